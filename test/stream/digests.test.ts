import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { TensorDigests } from '../../src/stream/digests';
import { CountedTiles } from '../support/tiles';

const tiles: [string, Uint8Array][] = [
  ['b', Buffer.from('123456')],
  ['b', Buffer.from('789')],
  ['a', Buffer.from('abc')],
];

async function digestsOf(withSha256: boolean) {
  const digests = new TensorDigests(withSha256);
  const passed: string[] = [];
  for await (const { bytes } of digests.through(new CountedTiles(tiles).stream())) {
    passed.push(Buffer.from(bytes).toString());
  }
  expect(passed).toEqual(['123456', '789', 'abc']);
  return digests.finish();
}

describe('digests', () => {
  it('are those of each tensor, whatever its tiles, in the order of the stream', async () => {
    expect(await digestsOf(true)).toEqual([
      // The check value of CRC-32/ISO-HDLC.
      { name: 'b', crc32: 0xcbf43926, sha256: createHash('sha256').update('123456789').digest() },
      { name: 'a', crc32: crc32('abc'), sha256: createHash('sha256').update('abc').digest() },
    ]);
  });

  it('have no SHA-256 unless it is asked for', async () => {
    expect((await digestsOf(false)).map(({ sha256 }) => sha256.length)).toEqual([0, 0]);
  });

  it('leave out a tensor that has not passed whole', async () => {
    const digests = new TensorDigests(false);
    for await (const { bytes } of digests.through(new CountedTiles(tiles).stream())) {
      if (Buffer.from(bytes).toString() === '123456') break;
    }
    expect(digests.finish()).toEqual([]);
  });
});
