/** What the ceiling's server and client agree on. */

/** The window of `src/client/link/channel.ts` and `src/server/server.ts`. */
export const FLOW_CONTROL_WINDOW = 8 * 2 ** 20;

export interface CeilingRequest {
  readonly bytes: number;
  readonly chunkBytes: number;
}

/** A stream of bare bytes: no protobuf on either side. */
export const CEILING_METHOD = {
  path: '/logah.bench.Ceiling/Read',
  requestStream: false,
  responseStream: true,
  requestSerialize: (request: CeilingRequest): Buffer => Buffer.from(JSON.stringify(request)),
  requestDeserialize: (bytes: Buffer): CeilingRequest => JSON.parse(bytes.toString()) as CeilingRequest,
  responseSerialize: (bytes: Buffer): Buffer => bytes,
  responseDeserialize: (bytes: Buffer): Buffer => bytes,
} as const;
