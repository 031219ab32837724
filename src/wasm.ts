/** What is used of WebAssembly, which neither the ECMAScript library nor Node.js's declares. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
  readonly Memory: new (pages: { readonly initial: number }) => WasmMemory;
};

/** Memory of WebAssembly; it does not grow here, so that views of it stay valid. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** The bytes of a page. */
const PAGE_BYTES = 64 * 1024;

/** The exports of an assembled module, in base64. */
export function instantiate(module: string, imports?: object): unknown {
  return new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(module, 'base64')), imports).exports;
}

/** Memory of at least so many bytes; what is never written to costs nothing. */
export function wasmMemory(bytes: number): WasmMemory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
}
