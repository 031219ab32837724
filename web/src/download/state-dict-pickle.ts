/**
 * A state dict as the pickle that `torch.load(weights_only=True)` reads: an OrderedDict of tensors, each a view of a storage
 * whose bytes lie in a file of their own. Opcodes of pickle's protocol 2.
 */

import { ByteWriter } from './byte-writer';

/** A tensor by the storage that holds it. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The storage's name. */
  readonly storage: string;
  /** Elements of the storage. */
  readonly elements: number;
}

/** The pickle; `storageClass` is torch's class of the element type, such as "FloatStorage". */
export function stateDictPickle(tensors: readonly StoredTensor[], storageClass: string): Uint8Array {
  const writer = new ByteWriter().u8(0x80, 2);
  orderedDict(writer).text('(');
  for (const { name, shape, storage, elements } of tensors) {
    text(writer, name);
    writer.text('ctorch._utils\n_rebuild_tensor_v2\n((');
    text(writer, 'storage').text(`ctorch\n${storageClass}\n`);
    text(writer, storage);
    text(writer, 'cpu');
    // The offset within the storage, then sizes, strides, no gradient, no hooks.
    integer(writer, elements).text('tQ');
    integer(writer, 0);
    tuple(writer, shape);
    tuple(writer, stridesOf(shape)).u8(0x89);
    orderedDict(writer).text('tR');
  }
  return writer.text('u.').result();
}

function orderedDict(writer: ByteWriter): ByteWriter {
  return writer.text('ccollections\nOrderedDict\n)R');
}

function text(writer: ByteWriter, value: string): ByteWriter {
  const bytes = new TextEncoder().encode(value);
  return writer.text('X').u32(bytes.length).bytes(bytes);
}

/** A whole number from 0 on. */
function integer(writer: ByteWriter, value: number): ByteWriter {
  if (value <= 0x7fffffff) return writer.text('J').u32(value);
  return writer.u8(0x8a, 8).u64(value);
}

function tuple(writer: ByteWriter, values: readonly number[]): ByteWriter {
  writer.text('(');
  for (const value of values) integer(writer, value);
  return writer.text('t');
}

function stridesOf(shape: readonly number[]): readonly number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    // As torch has it for dimensions without entries.
    stride *= Math.max(1, size);
  }
  return strides;
}
