/** What the tensors of an ONNX file hold, read before their data is left out. */

import { hashOf, isSameBytes } from './bytes';
import type { TensorContent } from './content';
import { ATTRIBUTE, GRAPH, MODEL, NODE } from './fields';
import { floatData, textOf, type FloatData, type OpenBeside } from './float-data';
import { lookOf, SAMPLE } from './look';
import { LENGTH_DELIMITED, wireFields, type ByteSource } from './wire';

/**
 * Of every initializer and `Constant` of floating point with at least one dimension whose data is there; `beside` opens the
 * files that hold data outside. Of large tensors a part is read, unless all of it is one number or another tensor begins
 * and ends in the same way. Throws WireError where the source is no ONNX file.
 */
export function tensorContents(source: ByteSource, beside?: OpenBeside): TensorContent[] {
  const seen = new Seen();
  return [...tensorsOf(source, beside)].map((data) => {
    const look = lookOf(data);
    const isConstant = look.kind === 'zeros' || look.kind === 'ones' || look.kind === 'constant';
    const copy = isConstant ? undefined : seen.copyOf(data);
    return { name: data.name, ...look, sameAs: copy?.name, transposed: copy?.transposed ?? false };
  });
}

function* tensorsOf(source: ByteSource, beside: OpenBeside | undefined): Generator<FloatData> {
  for (const model of wireFields(source, 0, source.size)) {
    if (model.number !== MODEL.graph || model.wireType !== LENGTH_DELIMITED) continue;
    for (const field of wireFields(source, model.content, model.end)) {
      if (field.wireType !== LENGTH_DELIMITED) continue;
      const { content, end } = field;
      const data =
        field.number === GRAPH.initializer
          ? floatData(source, content, end, beside)
          : field.number === GRAPH.node
            ? constantOf(source, content, end, beside)
            : undefined;
      if (data !== undefined && data.shape.length > 0) yield data;
    }
  }
}

/** The tensor of a `Constant`, by the name of the node's output. */
function constantOf(
  source: ByteSource,
  start: number,
  end: number,
  beside: OpenBeside | undefined,
): FloatData | undefined {
  let isConstant = false;
  let name = '';
  let tensor: { content: number; end: number } | undefined;
  for (const field of wireFields(source, start, end)) {
    if (field.wireType !== LENGTH_DELIMITED) continue;
    if (field.number === NODE.opType) isConstant = textOf(source, field.content, field.end) === 'Constant';
    if (field.number === NODE.output && name === '') name = textOf(source, field.content, field.end);
    if (field.number !== NODE.attribute) continue;
    for (const inner of wireFields(source, field.content, field.end)) {
      if (inner.number === ATTRIBUTE.tensor && inner.wireType === LENGTH_DELIMITED) tensor = inner;
    }
  }
  if (!isConstant || tensor === undefined) return undefined;
  const data = floatData(source, tensor.content, tensor.end, beside);
  return data && { ...data, name };
}

interface Copied {
  readonly name: string;
  readonly transposed: boolean;
}

/** Elements of a transpose that are compared, spread over the matrix: numbers that were drawn agree in none by chance. */
const COMPARED = 1024;

/** Tensors so far that others may be copies of. */
class Seen {
  private readonly byBytes = new Map<string, FloatData[]>();
  private readonly byCorner = new Map<string, FloatData[]>();

  /** The first tensor with the same numbers, or with those of its transpose; keeps the tensor where there is none. */
  copyOf(data: FloatData): Copied | undefined {
    const bytesKey = this.bytesKey(data);
    const same = this.byBytes.get(bytesKey)?.find((other) => isEqual(data, other));
    if (same !== undefined) return { name: same.name, transposed: false };
    const cornerKey = this.cornerKey(data);
    const turned = cornerKey && this.byCorner.get(cornerKey)?.find((other) => isTranspose(data, other));
    if (turned) return { name: turned.name, transposed: true };
    this.byBytes.set(bytesKey, [...(this.byBytes.get(bytesKey) ?? []), data]);
    if (cornerKey) this.byCorner.set(cornerKey, [...(this.byCorner.get(cornerKey) ?? []), data]);
    return undefined;
  }

  private bytesKey({ count, width, bytes }: FloatData): string {
    const ends = Math.min(count, SAMPLE);
    return `${count}/${width}/${hashOf(bytes(0, ends))}/${hashOf(bytes(count - ends, count))}`;
  }

  /** The first number is a transpose's first, too. */
  private cornerKey({ shape, width, numbers }: FloatData): string | undefined {
    const [rows = 1, columns = 1] = shape;
    if (shape.length !== 2 || rows < 2 || columns < 2) return undefined;
    return `${Math.min(rows, columns)}/${Math.max(rows, columns)}/${width}/${numbers(0, 1)[0]}`;
  }
}

function isEqual(one: FloatData, other: FloatData): boolean {
  for (let start = 0; start < one.count; start += SAMPLE) {
    const end = Math.min(one.count, start + SAMPLE);
    // What is read is valid until the next is.
    if (!isSameBytes(Uint8Array.from(one.bytes(start, end)), other.bytes(start, end))) return false;
  }
  return true;
}

function isTranspose(one: FloatData, other: FloatData): boolean {
  const [rows = 1, columns = 1] = one.shape;
  if (other.shape[0] !== columns || other.shape[1] !== rows) return false;
  // An odd step meets every column in turn.
  const step = Math.floor(one.count / COMPARED) | 1;
  for (let at = 0; at < one.count; at += step) {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const turned = column * rows + row;
    if (one.numbers(at, at + 1)[0] !== other.numbers(turned, turned + 1)[0]) return false;
  }
  return true;
}
