/** CRC-32 (ISO-HDLC, as in zlib), eight bytes at a step. */

const SLICES = 8;

/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;

const TABLES = tables();

/** The CRC-32 of `data`, behind bytes whose CRC-32 is `previous`. */
export function crc32(data: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as Table8;
  let value = ~previous;
  let at = 0;
  const end = data.length - (data.length % SLICES);
  for (; at < end; at += SLICES) {
    value ^=
      byte(data, at) | (byte(data, at + 1) << 8) | (byte(data, at + 2) << 16) | (byte(data, at + 3) << 24);
    value =
      entry(t7, value & 255) ^
      entry(t6, (value >>> 8) & 255) ^
      entry(t5, (value >>> 16) & 255) ^
      entry(t4, value >>> 24) ^
      entry(t3, byte(data, at + 4)) ^
      entry(t2, byte(data, at + 5)) ^
      entry(t1, byte(data, at + 6)) ^
      entry(t0, byte(data, at + 7));
  }
  for (; at < data.length; at++) value = (value >>> 8) ^ entry(t0, (value ^ byte(data, at)) & 255);
  return ~value >>> 0;
}

type Table8 = [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function tables(): readonly Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    return value;
  });
  const all = [first];
  for (let slice = 1; slice < SLICES; slice++) {
    const before = all[slice - 1] ?? first;
    all.push(before.map((value) => (value >>> 8) ^ entry(first, value & 255)));
  }
  return all;
}

function byte(data: Uint8Array, at: number): number {
  return data[at] as number;
}

function entry(table: Int32Array, at: number): number {
  return table[at] as number;
}
