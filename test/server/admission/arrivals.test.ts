import { constants, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { onArrival, UnreadRequest, type Arrived } from '../../../src/server/admission/arrivals';
import { Budget } from '../../../src/server/admission/budget';

const CALLER = { identity: 'somebody' };
const LIMIT = 100_000;
/** What a piece costs beside its bytes. */
const PIECE = 256;

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
let budget: Budget;
let request: UnreadRequest;

beforeEach(() => {
  stream = new FakeStream();
  budget = new Budget(LIMIT, { held: 'bytes of requests are on their way', setting: 'none' });
  request = new UnreadRequest(stream.asHttp2(), budget, CALLER);
});

describe('a request that nobody reads yet', () => {
  it('is counted as it arrives, and not when it is small', () => {
    stream.push(Buffer.alloc(3500));
    expect(budget.used).toBe(0);
    stream.push(Buffer.alloc(60_000));
    expect(budget.usedBy(CALLER)).toBe(63_500 + 2 * PIECE);
    expect(stream.reset).toBeUndefined();
  });

  it('is refused where there is no more room, so that it is made again, and gives back what it had', () => {
    budget.take({ identity: 'another' }, LIMIT - 10_000);
    stream.push(Buffer.alloc(9000));
    expect(stream.reset).toBeUndefined();
    stream.push(Buffer.alloc(9000));
    expect(stream.reset).toBe(constants.NGHTTP2_REFUSED_STREAM);
    expect(budget.usedBy(CALLER)).toBe(0);
  });

  it('is counted by whoever reads it once its call has begun', () => {
    stream.push(Buffer.alloc(70_000));
    const pieces: Arrived[] = [];
    expect(onArrival(stream.asHttp2(), (piece) => pieces.push(piece) > 0)).toEqual({
      bytes: 70_000,
      memory: 70_000 + PIECE,
    });
    request.begun();
    expect(budget.used).toBe(0);
    stream.push(Buffer.alloc(80_000));
    expect(pieces).toEqual([{ bytes: 80_000, memory: 80_000 + PIECE }]);
    expect(stream.reset).toBeUndefined();
  });

  it('may have 64 KiB where its call has begun and nobody reads it', () => {
    request.begun();
    stream.push(Buffer.alloc(65_535));
    expect(stream.reset).toBeUndefined();
    stream.push(Buffer.alloc(1));
    expect(stream.reset).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(budget.used).toBe(0);
  });

  it('is counted by the pieces that it comes in, too', () => {
    for (let piece = 0; piece < 100; piece++) stream.push(Buffer.alloc(1));
    expect(budget.used).toBe(100 + 100 * PIECE);
    request.begun();
    for (let piece = 0; stream.reset === undefined && piece < 1000; piece++) stream.push(Buffer.alloc(1));
    expect(stream.reset).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  it('keeps nothing of what came beside it', () => {
    stream.push(Buffer.alloc(65_536).subarray(100, 110));
    const piece = stream.read() as Buffer;
    expect(piece.buffer.byteLength).toBe(10);
  });

  it('takes no memory once it is reset', () => {
    request.begun();
    stream.push(Buffer.alloc(65_535));
    stream.push(Buffer.alloc(1000));
    stream.push(Buffer.alloc(1000));
    expect(stream.readableLength).toBe(65_535);
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
