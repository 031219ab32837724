/**
 * Entries of a ZIP file that are stored as they are, written before their checksum is known: it stands behind the data. Of
 * entries and files beyond 4 GiB, sizes and places have 8 bytes (ZIP64). Source: PKWARE's APPNOTE 6.3.10.
 */

import { ByteWriter } from './byte-writer';

/** What a field of 4 bytes holds where the number stands elsewhere in 8. */
const ELSEWHERE = 0xffffffff;
const MOST_ENTRIES = 0xffff;

const LOCAL_HEADER = 30;
const ZIP64_FIELD = 4;
const PADDING_FIELD = 4;

/** Of ZIP64, and of stored entries. */
const VERSION = 45;
/** Checksum behind the data; names are UTF-8. */
const FLAGS = 0x0808;
/** 1 January 1980, so that the same weights are the same file. */
const TIME = 0;
const DATE = 0x21;

/** A file within the file. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of its data. */
  readonly size: number;
  /** Where its header begins. */
  readonly offset: number;
  /** Where its data begins: a multiple of `align`. */
  readonly dataOffset: number;
  /** Behind its checksum. */
  readonly end: number;
}

/** An entry that begins at `offset`. */
export function entryAt(offset: number, name: string, size: number, align: number): ZipEntry {
  const bare = offset + LOCAL_HEADER + new TextEncoder().encode(name).length;
  const least = bare + (isLarge(size) ? ZIP64_FIELD + 16 : 0) + PADDING_FIELD;
  const dataOffset = Math.ceil(least / align) * align;
  return { name, size, offset, dataOffset, end: dataOffset + size + (isLarge(size) ? 24 : 16) };
}

/** What stands before an entry's data. */
export function localHeader({ name, size, offset, dataOffset }: ZipEntry): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  const zip64 = isLarge(size) ? new ByteWriter().u16(1, 16).u64(size, size).result() : new Uint8Array();
  const extra = dataOffset - offset - LOCAL_HEADER - bytes.length;
  const padding = extra - zip64.length - PADDING_FIELD;
  const shown = isLarge(size) ? ELSEWHERE : size;
  return (
    new ByteWriter()
      .u32(0x04034b50)
      .u16(VERSION, FLAGS, 0, TIME, DATE)
      .u32(0, shown, shown)
      .u16(bytes.length, extra)
      .bytes(bytes)
      .bytes(zip64)
      // PyTorch's own field for padding is named "FB".
      .u16(0x4246, padding)
      .bytes(new Uint8Array(padding))
      .result()
  );
}

/** What stands behind an entry's data. */
export function dataDescriptor({ size }: ZipEntry, crc32: number): Uint8Array {
  const writer = new ByteWriter().u32(0x08074b50, crc32);
  return (isLarge(size) ? writer.u64(size, size) : writer.u32(size, size)).result();
}

/** Bytes of `centralDirectory`. */
export function centralDirectorySize(entries: readonly ZipEntry[]): number {
  return centralDirectory(entries, () => 0).length;
}

/** What stands at the end of the file, behind the last entry. */
export function centralDirectory(
  entries: readonly ZipEntry[],
  crc32Of: (entry: ZipEntry) => number,
): Uint8Array {
  const writer = new ByteWriter();
  const start = entries.at(-1)?.end ?? 0;
  for (const entry of entries) {
    const { name, size, offset } = entry;
    const bytes = new TextEncoder().encode(name);
    const large = [...(isLarge(size) ? [size, size] : []), ...(isLarge(offset) ? [offset] : [])];
    const shown = isLarge(size) ? ELSEWHERE : size;
    writer
      .u32(0x02014b50)
      .u16(VERSION, VERSION, FLAGS, 0, TIME, DATE)
      .u32(crc32Of(entry), shown, shown)
      .u16(bytes.length, large.length === 0 ? 0 : ZIP64_FIELD + large.length * 8, 0, 0, 0)
      .u32(0, isLarge(offset) ? ELSEWHERE : offset)
      .bytes(bytes);
    if (large.length > 0) writer.u16(1, large.length * 8).u64(...large);
  }
  const { length } = writer;
  if (isLarge(start + length) || entries.length >= MOST_ENTRIES) {
    writer
      .u32(0x06064b50)
      .u64(44)
      .u16(VERSION, VERSION)
      .u32(0, 0)
      .u64(entries.length, entries.length, length, start)
      .u32(0x07064b50, 0)
      .u64(start + length)
      .u32(1);
  }
  const count = Math.min(entries.length, MOST_ENTRIES);
  return writer
    .u32(0x06054b50)
    .u16(0, 0, count, count)
    .u32(Math.min(length, ELSEWHERE), Math.min(start, ELSEWHERE))
    .u16(0)
    .result();
}

function isLarge(amount: number): boolean {
  return amount >= ELSEWHERE;
}
