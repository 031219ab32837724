import { constants, type ServerHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import {
  onArrival,
  UnreadRequest,
  type Arrived,
  type WaitingMemory,
} from '../../../src/server/admission/arrivals';

const LIMIT = 100_000;
/** What a piece costs beside its bytes. */
const PIECE = 256;
/** Bytes of one long message: of zeros, each five would be one. */
const FILL = 0xff;

/** A stream that bytes are pushed to as they arrive, and that notes the reset that it is closed with. */
class FakeStream extends Readable {
  override closed = false;
  reset: number | undefined;

  override _read(): void {
    // What arrives is pushed.
  }

  close(code: number): void {
    this.closed = true;
    this.reset = code;
    this.emit('close');
  }

  asHttp2(): ServerHttp2Stream {
    return this as unknown as ServerHttp2Stream;
  }
}

let stream: FakeStream;
let waiting: WaitingMemory;
let full: number;
let request: UnreadRequest;

beforeEach(() => {
  stream = new FakeStream();
  waiting = { bytes: 0 };
  full = 0;
  request = new UnreadRequest(stream.asHttp2(), waiting, LIMIT, () => full++);
});

describe('a request that nobody reads yet', () => {
  it('is counted as it arrives, until it is gone', () => {
    stream.push(Buffer.alloc(3500, FILL));
    stream.push(Buffer.alloc(60_000, FILL));
    expect(waiting.bytes).toBe(63_500 + 2 * PIECE);
    stream.close(constants.NGHTTP2_CANCEL);
    expect(waiting.bytes).toBe(0);
  });

  it('says where all of them are too much, and is not cut off', () => {
    waiting.bytes = LIMIT - 10_000;
    stream.push(Buffer.alloc(9000, FILL));
    expect(full).toBe(0);
    stream.push(Buffer.alloc(9000, FILL));
    expect(full).toBe(1);
    expect(stream.reset).toBeUndefined();
    expect(stream.readableLength).toBe(18_000);
  });

  it('says nothing of others where it is small itself', () => {
    waiting.bytes = LIMIT;
    stream.push(Buffer.alloc(1000, FILL));
    expect(full).toBe(0);
  });

  it('is counted by whoever reads it once its call has begun', () => {
    stream.push(Buffer.alloc(70_000, FILL));
    const pieces: Arrived[] = [];
    expect(onArrival(stream.asHttp2(), (piece) => pieces.push(piece) > 0)).toEqual({
      bytes: 70_000,
      memory: 70_000 + PIECE,
      messages: 1,
    });
    request.begun();
    expect(waiting.bytes).toBe(0);
    stream.push(Buffer.alloc(80_000, FILL));
    expect(pieces).toEqual([{ bytes: 80_000, memory: 80_000 + PIECE, messages: 0 }]);
    expect(stream.reset).toBeUndefined();
  });

  it('takes little where its call has begun and nobody reads it, while its caller waits for the status', () => {
    request.begun();
    stream.push(Buffer.alloc(65_535, FILL));
    for (let piece = 0; piece < 100; piece++) stream.push(Buffer.alloc(100_000, FILL));
    expect(stream.readableLength).toBe(65_535);
    expect(stream.reset).toBeUndefined();
    expect(waiting.bytes).toBe(0);
  });

  it('is counted by the pieces that it comes in, too', () => {
    for (let piece = 0; piece < 100; piece++) stream.push(Buffer.alloc(1, FILL));
    expect(waiting.bytes).toBe(100 + 100 * PIECE);
    request.begun();
    for (let piece = 0; piece < 1000; piece++) stream.push(Buffer.alloc(1, FILL));
    expect(stream.readableLength).toBeLessThan(520);
  });

  it('keeps nothing of what came beside it', () => {
    stream.push(Buffer.alloc(65_536, FILL).subarray(100, 110));
    const piece = stream.read() as Buffer;
    expect(piece.buffer.byteLength).toBe(10);
  });

  it('has the pieces beyond its first 16 KiB in memory of its own, beside each other and whole', async () => {
    const sent = Array.from({ length: 40 }, (_, index) => Buffer.alloc(10_000, index));
    sent.push(Buffer.alloc(200_000, 7));
    for (const piece of sent) stream.push(piece);
    stream.push(null);
    const kept: Buffer[] = [];
    stream.on('data', (piece: Buffer) => kept.push(piece));
    await once(stream, 'end');
    expect(Buffer.concat(kept).equals(Buffer.concat(sent))).toBe(true);
    const rooms = [...new Set(kept.map(({ buffer }) => buffer))].map(({ byteLength }) => byteLength);
    expect(rooms).toEqual([10_000, 131_072, 131_072, 131_072, 200_000]);
  });

  it('still arrives as it was sent', async () => {
    stream.push(Buffer.from('one '));
    stream.push(Buffer.from('after the other'));
    stream.push(null);
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString()).toBe('one after the other');
  });
});
