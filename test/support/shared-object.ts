/** Shared libraries for the dynamic loader: real ELF files that hold nothing but a name and what they need. */

const PAGE = 4096;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const HEADERS_BYTES = HEADER_BYTES + 2 * PROGRAM_HEADER_BYTES;

/** An x86-64 library of this name (DT_SONAME) that needs others (DT_NEEDED). */
export function sharedObject(name: string, needed: readonly string[] = []): Buffer {
  const strings = Buffer.from(['', name, ...needed, ''].join('\0'), 'latin1');
  const offsetOf = (text: string): number => strings.indexOf(`\0${text}\0`, 0, 'latin1') + 1;
  const stringsAt = HEADERS_BYTES;
  const symbolsAt = align(stringsAt + strings.length);
  const hashAt = symbolsAt + 24;
  const dynamicAt = hashAt + 16;
  const dynamic = words([
    ...needed.flatMap((library) => [1, offsetOf(library)]),
    ...[14, offsetOf(name)],
    // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_NULL
    ...[4, hashAt, 5, stringsAt, 6, symbolsAt, 10, strings.length, 11, 24, 0, 0],
  ]);
  const size = dynamicAt + dynamic.length;
  const file = Buffer.alloc(size);
  elfHeader().copy(file);
  programHeader(1, 0, size, PAGE).copy(file, HEADER_BYTES);
  programHeader(2, dynamicAt, dynamic.length, 8).copy(file, HEADER_BYTES + PROGRAM_HEADER_BYTES);
  strings.copy(file, stringsAt);
  // One bucket and one symbol, the empty one.
  file.writeUInt32LE(1, hashAt);
  file.writeUInt32LE(1, hashAt + 4);
  dynamic.copy(file, dynamicAt);
  return file;
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  // ET_DYN, EM_X86_64, version 1; program headers follow at once.
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  header.writeUInt16LE(HEADER_BYTES, 52);
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  header.writeUInt16LE(2, 56);
  return header;
}

/** Readable and writable, at the same address as in the file. */
function programHeader(type: number, offset: number, bytes: number, alignment: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_BYTES);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(6, 4);
  words([offset, offset, offset, bytes, bytes, alignment]).copy(header, 8);
  return header;
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
  return bytes;
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}
