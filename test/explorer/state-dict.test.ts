/**
 * The state dict that the explorer saves, as a ZIP file and, where LOGAH_PYTHON names a Python with torch, as torch reads it.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { DataType, PlanSchema, type Plan } from '../../src/gen/es/logah/v1/logah_pb';
import { crc32 } from '../../web/src/download/crc32';
import { stateDictFile } from '../../web/src/download/state-dict';

const python = process.env.LOGAH_PYTHON;
const withPython = python === undefined ? it.skip : it;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'logah-state-dict-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** A plan of tensors by name: a shape, or the tensor that it is tied to. */
function planOf(
  tensors: Readonly<Record<string, readonly number[] | { tiedTo: string; shape: readonly number[] }>>,
  dtype = DataType.FLOAT32,
): Plan {
  const each = dtype === DataType.FLOAT32 ? 4 : 2;
  let offset = 0;
  return create(PlanSchema, {
    dtype,
    tensors: Object.entries(tensors).map(([name, given]) => {
      const tiedTo = 'tiedTo' in given ? given.tiedTo : '';
      const shape = 'tiedTo' in given ? given.shape : given;
      const bytes = tiedTo === '' ? shape.reduce((product, size) => product * size, each) : 0;
      const start = offset;
      offset += bytes;
      return {
        name,
        tiedTo,
        shape: shape.map(BigInt),
        sent: tiedTo === '',
        bytes: BigInt(bytes),
        offset: BigInt(start),
      };
    }),
    totalBytes: BigInt(offset),
  });
}

/** The file of a plan whose data is `data`, which comes in pieces of `piece` bytes. */
function fileOf(plan: Plan, data: Uint8Array, piece: number): Buffer {
  const file = stateDictFile(plan);
  const sumOf = (name: string): number => {
    const { offset = 0n, bytes = 0n } = plan.tensors.find((tensor) => tensor.name === name) ?? {};
    return crc32(data.subarray(Number(offset), Number(offset + bytes)));
  };
  const parts: Uint8Array[] = [file.begin];
  for (let at = 0; at < data.length; at += piece) {
    parts.push(...file.next(data.subarray(at, at + piece), sumOf));
  }
  parts.push(file.end(sumOf));
  const whole = Buffer.concat(parts);
  expect(whole.length).toBe(file.size);
  return whole;
}

function runPython(code: string, ...parameters: readonly string[]): unknown {
  const printed = execFileSync(python ?? '', ['-c', code, ...parameters], { encoding: 'utf8' });
  return JSON.parse(printed);
}

const TENSORS = {
  'wte.weight': [5, 3],
  'h.0.bias': [7],
  scalar: [],
  nothing: [0, 4],
  'ähnlich.weight': [2, 1, 2],
  'lm_head.weight': { tiedTo: 'wte.weight', shape: [5, 3] },
} as const;

it('is the same file whatever the pieces are in which its data comes', () => {
  const plan = planOf(TENSORS);
  const data = new Uint8Array(Float32Array.from({ length: 27 }, (_, index) => index / 8).buffer);
  const whole = fileOf(plan, data, data.length);
  for (const piece of [1, 3, 28, 61]) expect(fileOf(plan, data, piece).equals(whole)).toBe(true);
  // Tensors lie where they can be mapped into memory.
  const start = whole.indexOf(Buffer.from(data.subarray(0, 60)));
  expect(start % 64).toBe(0);
});

withPython('is read by torch with weights_only, tied, empty and scalar tensors as they are', () => {
  const path = join(directory, 'small.bin');
  const data = new Uint8Array(Float32Array.from({ length: 27 }, (_, index) => index / 8).buffer);
  writeFileSync(path, fileOf(planOf(TENSORS), data, 10));
  const read = runPython(
    `
import json, sys, zipfile, torch
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
for mapped in (False, True):
    state = torch.load(sys.argv[1], weights_only=True, mmap=mapped)
    assert state["wte.weight"].data_ptr() == state["lm_head.weight"].data_ptr()
    assert all(t.is_contiguous() and t.dtype == torch.float32 for t in state.values())
torch.save(state, sys.argv[2])
again = torch.load(sys.argv[2], weights_only=True)
print(json.dumps({name: [list(t.shape), again[name].flatten().tolist()] for name, t in state.items()}))
`,
    path,
    join(directory, 'again.bin'),
  );
  const numbers = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => (from + index) / 8);
  expect(read).toEqual({
    'wte.weight': [[5, 3], numbers(0, 15)],
    'h.0.bias': [[7], numbers(15, 7)],
    scalar: [[], numbers(22, 1)],
    nothing: [[0, 4], []],
    'ähnlich.weight': [[2, 1, 2], numbers(23, 4)],
    'lm_head.weight': [[5, 3], numbers(0, 15)],
  });
});

withPython('keeps half precision', () => {
  const data = Uint8Array.from([0x00, 0x3c, 0x80, 0x3f]);
  for (const [dtype, name] of [
    [DataType.FLOAT16, 'float16'],
    [DataType.BFLOAT16, 'bfloat16'],
  ] as const) {
    const path = join(directory, `${name}.bin`);
    writeFileSync(path, fileOf(planOf({ a: [2] }, dtype), data, 4));
    const code = `
import json, sys, torch
a = torch.load(sys.argv[1], weights_only=True)["a"]
print(json.dumps([str(a.dtype), a.tolist()]))`;
    const [type, [first, second]] = runPython(code, path) as [string, [number, number]];
    expect(type).toBe(`torch.${name}`);
    expect(dtype === DataType.FLOAT16 ? first : second).toBe(1);
  }
});

withPython('is read where tensors, and the places of those behind them, are beyond 4 GiB', () => {
  const plan = planOf({ first: [3], large: [2 ** 30 + 64], last: [5] });
  const file = stateDictFile(plan);
  const path = join(directory, 'large.bin');
  const descriptor = openSync(path, 'w');
  let at = 0;
  const write = (bytes: Uint8Array, isHole: boolean): void => {
    if (!isHole) writeSync(descriptor, bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  // The large tensor is a hole in the file, and its checksum that of something else: nobody reads all of it here.
  const zeros = new Uint8Array(64 * 2 ** 20);
  write(file.begin, false);
  const total = Number(plan.totalBytes);
  for (let position = 0; position < total;) {
    const size = Math.min(zeros.length, total - position);
    const isEdge = position === 0 || position + size === total;
    const piece = isEdge
      ? new Uint8Array(new Float32Array(size / 4).fill(0.5).buffer)
      : zeros.subarray(0, size);
    for (const part of file.next(piece, () => 7)) write(part, part.length > 2 ** 20 && !isEdge);
    position += size;
  }
  write(
    file.end(() => 7),
    false,
  );
  closeSync(descriptor);
  expect(at).toBe(file.size);
  const code = `
import json, sys, zipfile, torch
state = torch.load(sys.argv[1], weights_only=True, mmap=True)
large = state["large"]
names = [(i.filename, i.file_size) for i in zipfile.ZipFile(sys.argv[1]).infolist()]
print(json.dumps([state["first"].tolist(), large.numel(), large[-1].item(), large[2**29].item(), state["last"].tolist(), names[-2:]]))`;
  expect(runPython(code, path)).toEqual([
    [0.5, 0.5, 0.5],
    2 ** 30 + 64,
    0.5,
    0,
    [0.5, 0.5, 0.5, 0.5, 0.5],
    [
      ['pytorch_model/data/1', 4 * (2 ** 30 + 64)],
      ['pytorch_model/data/2', 20],
    ],
  ]);
});
