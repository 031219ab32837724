import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { boundDecompression } from '../../../src/server/admission/decompression';
import { framed } from '../../support/raw-call';

const LIMIT = 2 ** 20;
const LARGE = framed(gzipSync(Buffer.alloc(LIMIT)), true);

class Stream extends EventEmitter {
  closed = false;

  close(): void {
    this.closed = true;
    this.emit('close');
  }
}

interface Call {
  readonly stream: Stream;
  readonly decompress: (message?: Buffer) => Promise<Buffer>;
}

const done: string[] = [];

beforeEach(() => {
  done.length = 0;
});

function callOf(caller: string): Call {
  const stream = new Stream();
  const call: { decompressMessage: (message: Buffer, encoding: string) => Buffer | Promise<Buffer> } = {
    decompressMessage: (message) => message,
  };
  boundDecompression(call, stream as unknown as ServerHttp2Stream, {
    limit: LIMIT,
    caller: () => caller,
    onDecompressed: () => done.push(caller),
  });
  return { stream, decompress: async (message = LARGE) => call.decompressMessage(message, 'gzip') };
}

it('a message whose stream has closed is not decompressed any more', async () => {
  const first = callOf('first').decompress();
  const gone = Array.from({ length: 5 }, () => callOf('gone'));
  for (const { decompress } of gone) for (let message = 0; message < 3; message++) void decompress();
  const last = callOf('last').decompress();
  for (const { stream } of gone) stream.close();
  expect((await first).length).toBe(LIMIT);
  await last;
  void gone[0]?.decompress();
  await callOf('later').decompress();
  expect(done).toEqual(['first', 'last', 'later']);
});

it('a caller with many compressed requests leaves another its turn', async () => {
  const many = Array.from({ length: 20 }, () => callOf('many').decompress());
  await callOf('one').decompress();
  expect(done.length).toBeLessThanOrEqual(3);
  await Promise.all(many);
});

it('messages of one call are decompressed in their order, also behind one that cannot be', async () => {
  const { decompress } = callOf('caller');
  const texts = ['a', 'b', 'c'];
  const wrong = decompress(framed(Buffer.from('no gzip'), true));
  const right = texts.map((text) => decompress(framed(gzipSync(text), true)));
  await expect(wrong).rejects.toThrow('Failed to decompress message');
  expect((await Promise.all(right)).map(String)).toEqual(texts);
});
