/** What is used of WebAssembly, which neither the ECMAScript library nor Node.js's declares. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
};

/** The exports of an assembled module, in base64. */
export function instantiate(module: string, imports?: object): unknown {
  return new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(module, 'base64')), imports).exports;
}
