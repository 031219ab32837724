/**
 * The bytes of a request, which whoever reads them takes along. grpc-js keeps what it read until the call has ended, and a
 * stream may last for hours: nothing of a request may stay that has been planned, since nobody counts it then.
 */
export class ReceivedRequest {
  #bytes: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The bytes; they are not here any more afterwards. */
  take(): Buffer {
    const bytes = this.#bytes;
    if (bytes === undefined) throw new Error('the request was taken before');
    this.#bytes = undefined;
    return bytes;
  }
}

/** What grpc-js joins to messages; not part of its interface. */
interface Decoder {
  readState: number;
  readPartialMessage: unknown[];
}

/** Of its states, the one between two messages. */
const NO_DATA = 0;

/** Drops the parts of the message that a call has received last, which grpc-js keeps beside what it made of them. */
export function dropParts(call: object): void {
  const decoder = 'decoder' in call ? call.decoder : undefined;
  if (isDecoder(decoder) && decoder.readState === NO_DATA) decoder.readPartialMessage = [];
}

function isDecoder(decoder: unknown): decoder is Decoder {
  return (
    typeof decoder === 'object' &&
    decoder !== null &&
    'readState' in decoder &&
    'readPartialMessage' in decoder &&
    Array.isArray(decoder.readPartialMessage)
  );
}
