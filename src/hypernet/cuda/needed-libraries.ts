/** The shared libraries that a shared library names as needed (ELF's DT_NEEDED), without loading it. */

import { open, type FileHandle } from 'node:fs/promises';

const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;

const PROGRAM_LOAD = 1;
const PROGRAM_DYNAMIC = 2;

const TAG_NULL = 0;
const TAG_NEEDED = 1;
const TAG_STRINGS = 5;
const TAG_STRINGS_SIZE = 10;

/** What a file may make us read; the names of a large library's symbols are megabytes. */
const MAX_READ = 2 ** 26;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/** In the file's order. Throws Error where the file is no 64-bit little-endian ELF file, and those of the file system. */
export async function neededLibraries(path: string): Promise<readonly string[]> {
  const file = await open(path);
  try {
    const segments = await segmentsOf(file, path);
    const dynamic = segments.find(({ type }) => type === PROGRAM_DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = entriesOf(await read(file, dynamic.offset, dynamic.bytes, path));
    const valueOf = (wanted: number): number => entries.find(([tag]) => tag === wanted)?.[1] ?? 0;
    const at = fileOffset(segments, valueOf(TAG_STRINGS), path);
    const strings = await read(file, at, valueOf(TAG_STRINGS_SIZE), path);
    return entries
      .filter(([tag]) => tag === TAG_NEEDED)
      .map(([, start]) => strings.toString('latin1', start, strings.indexOf(0, start)));
  } finally {
    await file.close();
  }
}

async function segmentsOf(file: FileHandle, path: string): Promise<Segment[]> {
  const header = await read(file, 0, 64, path);
  if (header.readUInt32BE(0) !== MAGIC || header[4] !== CLASS_64 || header[5] !== LITTLE_ENDIAN) {
    throw new Error(`${path} is no 64-bit little-endian ELF file`);
  }
  const size = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = await read(file, number(header, 32), size * count, path);
  return Array.from({ length: count }, (_, index) => {
    const entry = table.subarray(index * size, (index + 1) * size);
    return {
      type: entry.readUInt32LE(0),
      offset: number(entry, 8),
      address: number(entry, 16),
      bytes: number(entry, 32),
    };
  });
}

function entriesOf(section: Buffer): [tag: number, value: number][] {
  const entries: [number, number][] = [];
  for (let at = 0; at + 16 <= section.length; at += 16) {
    const tag = number(section, at);
    if (tag === TAG_NULL) break;
    entries.push([tag, number(section, at + 8)]);
  }
  return entries;
}

/** Where in the file lies what is loaded at an address. */
function fileOffset(segments: readonly Segment[], address: number, path: string): number {
  const found = segments.find(
    (segment) =>
      segment.type === PROGRAM_LOAD &&
      address >= segment.address &&
      address < segment.address + segment.bytes,
  );
  if (found === undefined) throw new Error(`${path} has its dynamic strings outside of what it loads`);
  return found.offset + address - found.address;
}

/** Tags, offsets and addresses are 64 bits wide; none of a real file is beyond a double's integers. */
function number(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

async function read(file: FileHandle, offset: number, length: number, path: string): Promise<Buffer> {
  if (length > MAX_READ) throw new Error(`${path} has a table of ${length} bytes`);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) throw new Error(`${path} ends early`);
  return buffer;
}
