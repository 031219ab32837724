/** A state dict as `torch.save` writes it: a ZIP file of stored entries, one for each tensor, all of which can stream. */

import { DataType, type Plan, type TensorPlan } from '../../../src/gen/es/logah/v1/logah_pb';
import { crc32 } from './crc32';
import { stateDictPickle, type StoredTensor } from './state-dict-pickle';
import type { SumOf, WeightsFile } from './weights-file';
import {
  centralDirectory,
  centralDirectorySize,
  dataDescriptor,
  entryAt,
  localHeader,
  type ZipEntry,
} from './zip-entry';

/** The folder within the file; torch takes any. */
const ROOT = 'pytorch_model';

/** As torch aligns tensors, so that they can be mapped into memory. */
const ALIGN = 64;

const STORAGES: Readonly<Record<DataType, string>> = {
  [DataType.UNSPECIFIED]: 'FloatStorage',
  [DataType.FLOAT32]: 'FloatStorage',
  [DataType.FLOAT16]: 'HalfStorage',
  [DataType.BFLOAT16]: 'BFloat16Storage',
};

/** A small file within the file. */
interface Small {
  readonly entry: ZipEntry;
  readonly data: Uint8Array;
}

/** The file of what the plan sends; tied tensors share a storage, and kept ones are not in it. */
export function stateDictFile(plan: Plan): WeightsFile {
  const sent = plan.tensors.filter((tensor) => tensor.sent);
  const small = smallFiles([
    ['data.pkl', pickleOf(plan, sent)],
    ['byteorder', new TextEncoder().encode('little')],
    ['version', new TextEncoder().encode('3\n')],
  ]);
  const entries: ZipEntry[] = [];
  let offset = small.at(-1)?.entry.end ?? 0;
  for (const [index, { bytes }] of sent.entries()) {
    const entry = entryAt(offset, `${ROOT}/data/${index}`, Number(bytes), ALIGN);
    entries.push(entry);
    offset = entry.end;
  }
  const all = [...small.map(({ entry }) => entry), ...entries];
  const sums = new Map(small.map(({ entry, data }) => [entry.name, crc32(data)]));
  const tensors = new Between(sent, entries, sums);
  return {
    size: offset + centralDirectorySize(all),
    begin: joined([
      ...small.flatMap(({ entry, data }) => [localHeader(entry), data, dataDescriptor(entry, crc32(data))]),
      ...tensors.opened(() => 0),
    ]),
    next: (data, sumOf) => tensors.next(data, sumOf),
    end: () => centralDirectory(all, ({ name }) => sums.get(name) ?? 0),
  };
}

/** Goes through the tensors as their bytes pass. */
class Between {
  readonly #tensors: readonly TensorPlan[];
  readonly #entries: readonly ZipEntry[];
  readonly #sums: Map<string, number>;
  #at = 0;
  #left = 0;

  constructor(tensors: readonly TensorPlan[], entries: readonly ZipEntry[], sums: Map<string, number>) {
    this.#tensors = tensors;
    this.#entries = entries;
    this.#sums = sums;
  }

  /** The headers up to the next tensor with bytes; those without are closed at once. */
  *opened(sumOf: SumOf): Generator<Uint8Array, void, undefined> {
    for (;;) {
      const entry = this.#entries[this.#at];
      if (entry === undefined) return;
      yield localHeader(entry);
      this.#left = entry.size;
      if (this.#left > 0) return;
      yield this.#closed(entry, sumOf);
    }
  }

  *next(data: Uint8Array, sumOf: SumOf): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < data.length;) {
      const entry = this.#entries[this.#at];
      if (entry === undefined) throw new Error('data came behind the last tensor');
      const taken = Math.min(this.#left, data.length - at);
      yield data.subarray(at, at + taken);
      at += taken;
      this.#left -= taken;
      if (this.#left > 0) return;
      yield this.#closed(entry, sumOf);
      yield* this.opened(sumOf);
    }
  }

  #closed(entry: ZipEntry, sumOf: SumOf): Uint8Array {
    const sum = entry.size === 0 ? 0 : sumOf(this.#tensors[this.#at]?.name ?? '');
    this.#sums.set(entry.name, sum);
    this.#at++;
    return dataDescriptor(entry, sum);
  }
}

function smallFiles(files: readonly (readonly [string, Uint8Array])[]): readonly Small[] {
  const all: Small[] = [];
  for (const [name, data] of files) {
    const offset = all.at(-1)?.entry.end ?? 0;
    all.push({ entry: entryAt(offset, `${ROOT}/${name}`, data.length, ALIGN), data });
  }
  return all;
}

function pickleOf({ tensors, dtype }: Plan, sent: readonly TensorPlan[]): Uint8Array {
  const storages = new Map(sent.map(({ name }, index) => [name, String(index)]));
  const stored = tensors.flatMap(({ name, shape, tiedTo }): StoredTensor[] => {
    const storage = storages.get(tiedTo === '' ? name : tiedTo);
    if (storage === undefined) return [];
    const sizes = shape.map(Number);
    return [{ name, shape: sizes, storage, elements: sizes.reduce((product, size) => product * size, 1) }];
  });
  return stateDictPickle(stored, STORAGES[dtype]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
