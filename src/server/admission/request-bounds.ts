/**
 * Bounds what a request is made of before anything of it is parsed. A parser makes an object of every part and of every
 * number: a message of many small ones takes a hundred times its own size. Which parts there are is read from the
 * contract's descriptors, so that a field added later is bounded as well.
 */

import { WireType, type FieldShape, type MessageShape } from '../../contract/message-shape';
import { invalidField } from '../../errors';

/** What a request may be made of. */
export interface RequestBounds {
  /** Parts: fields of messages, those of their messages included. */
  readonly parts: number;
  /** How the bound of the parts is called. */
  readonly partsSetting: string;
  /** Bytes that its parts take once they are parsed. */
  readonly parsedBytes: number;
}

/** Fields of a request for each node that is allowed; edges, tensors and blocks may be ten times as many as nodes. */
const PARTS_PER_NODE = 200;

/** Of a request, whatever the number of nodes that are allowed: twice a graph of 8192 nodes with a tensor each. */
const MAX_PARSED_BYTES = 26 * 2 ** 20;

/** Numbers of one repeated field: dimensions, of which there are few. */
export const MAX_NUMBERS = 64;

/** Messages within messages; the parser goes as deep as they do. */
const MAX_DEPTH = 64;

/**
 * Bytes that protobufjs and proto-loader allocate, measured on Node.js 20: for a message with one of its fields, for a
 * field of 64 bits, for a text of no characters, for bytes.
 */
const MESSAGE_BYTES = 96;
const FIELD_BYTES = 16;
const NUMBER_BYTES = 64;
const TEXT_BYTES = 40;
const BYTES_BYTES = 120;

/** The bounds of a server for graphs of `maxNodes`. */
export function requestBounds(maxNodes: number): RequestBounds {
  return {
    parts: maxNodes * PARTS_PER_NODE,
    partsSetting: `${PARTS_PER_NODE} times --max-nodes`,
    parsedBytes: MAX_PARSED_BYTES,
  };
}

/**
 * Walks a message's bytes. Throws LogahError (invalid_argument) where it is not one of this shape, which a parser might
 * read in another way, or is made of more than the bounds allow.
 */
export function checkBounds(bytes: Uint8Array, shape: MessageShape, bounds: RequestBounds): void {
  new Walk(bytes, shape.name, bounds).message(0, bytes.length, shape, []);
}

/** A field on the way to what is walked, and which of its entries. */
interface Step {
  readonly field: FieldShape;
  readonly index: number;
}

class Walk {
  #at = 0;
  #parts = 0;
  #parsed = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
    private readonly bounds: RequestBounds,
  ) {}

  message(start: number, end: number, shape: MessageShape, path: readonly Step[]): void {
    if (path.length > MAX_DEPTH) throw this.malformed(`nests more than ${MAX_DEPTH} messages`);
    this.#at = start;
    this.#take(MESSAGE_BYTES + FIELD_BYTES * shape.fields.size, path);
    let counts: Map<FieldShape, number> | undefined;
    while (this.#at < end) {
      if (++this.#parts > this.bounds.parts) throw this.#tooMany(path);
      const tag = this.#varint(end);
      const wireType = tag & 7;
      const field = shape.fields.get(Math.floor(tag / 8));
      if (tag < 8) throw this.malformed('has a field of number 0');
      // The parser reads the lower 32 bits, which may be another field's.
      if (tag >= 2 ** 32) throw this.malformed('has a field of a number above 2^29');
      if (field === undefined) {
        this.#skip(wireType, end, true);
        continue;
      }
      let index = 0;
      if (field.repeated) {
        counts ??= new Map<FieldShape, number>();
        index = counts.get(field) ?? 0;
      }
      const seen = this.#value(field, wireType, end, path, index);
      counts?.set(field, index + seen);
    }
  }

  /** Walks a field's value; returns how many values it holds. */
  #value(field: FieldShape, wireType: number, end: number, path: readonly Step[], index: number): number {
    const step = (): Step[] => [...path, { field, index }];
    const packed = field.repeated && field.scalar === 'number' && wireType === WireType.delimited;
    if (wireType !== field.wireType && !packed)
      throw this.malformed(`has field ${dotted(step())} with wire type ${wireType}`);
    if (field.message !== undefined) {
      const inner = this.#end(end);
      this.message(this.#at, inner, field.message, step());
      return 1;
    }
    if (packed) {
      const inner = this.#end(end);
      const count = this.#packedCount(field, inner, MAX_NUMBERS - index);
      if (index + count > MAX_NUMBERS) throw tooLong([...path, { field, index: -1 }]);
      this.#take(count * NUMBER_BYTES, path);
      this.#at = inner;
      return count;
    }
    if (field.scalar === 'string' || field.scalar === 'bytes') {
      const inner = this.#end(end);
      const bytes = field.scalar === 'string' ? TEXT_BYTES + 2 * (inner - this.#at) : BYTES_BYTES;
      this.#at = inner;
      this.#take(bytes, path);
      return 1;
    }
    if (field.repeated && index >= MAX_NUMBERS) throw tooLong([...path, { field, index: -1 }]);
    this.#skip(wireType, end, field.isLong === true);
    this.#take(NUMBER_BYTES, path);
    return 1;
  }

  /** Numbers in a packed field up to `end`; counts a little beyond `most` and no further. */
  #packedCount({ wireType, isLong }: FieldShape, end: number, most: number): number {
    const length = end - this.#at;
    if (wireType === WireType.fixed64) return Math.ceil(length / 8);
    if (wireType === WireType.fixed32) return Math.ceil(length / 4);
    let count = 0;
    while (this.#at < end && count <= most) {
      this.#varint(end, isLong === true);
      count++;
    }
    return count;
  }

  #skip(wireType: number, end: number, isLong: boolean): void {
    switch (wireType) {
      case WireType.varint:
        this.#varint(end, isLong);
        return;
      case WireType.fixed64:
        this.#advance(8, end);
        return;
      case WireType.delimited:
        this.#at = this.#end(end);
        return;
      case WireType.fixed32:
        this.#advance(4, end);
        return;
      default:
        throw this.malformed(`has a field of wire type ${wireType}`);
    }
  }

  /** Reads a length; returns where what it counts ends. */
  #end(end: number): number {
    const length = this.#varint(end);
    if (length > end - this.#at) throw this.malformed('has a field that ends beyond it');
    return this.#at + length;
  }

  #advance(count: number, end: number): void {
    this.#at += count;
    if (this.#at > end) throw this.malformed('has a field that ends beyond it');
  }

  /**
   * Of 32 bits, the parser reads at most five bytes, or else takes there to be ten: what has some in between it would read
   * on from another place.
   */
  #varint(end: number, isLong = false): number {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 10; length++) {
      if (this.#at >= end) throw this.malformed('ends amid a number');
      const byte = this.bytes[this.#at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (!isLong && length >= 5 && length < 9)
          throw this.malformed(`has a number of 32 bits that takes ${length + 1} bytes`);
        return value;
      }
      factor *= 128;
    }
    throw this.malformed('has a number of more than ten bytes');
  }

  #take(bytes: number, path: readonly Step[]): void {
    this.#parsed += bytes;
    if (this.#parsed <= this.bounds.parsedBytes) return;
    throw invalidField(
      topOf(path),
      `takes more than ${this.bounds.parsedBytes} bytes of memory once it is parsed, which is all that this server allows`,
    );
  }

  #tooMany(path: readonly Step[]): Error {
    const { parts, partsSetting } = this.bounds;
    return invalidField(topOf(path), `has more than ${parts} fields; this server allows ${partsSetting}`);
  }

  malformed(how: string): Error {
    return invalidField('request', `is no ${this.name}: it ${how}`);
  }
}

function tooLong(path: readonly Step[]): Error {
  return invalidField(
    dotted(path),
    `has more than ${MAX_NUMBERS} numbers; at most ${MAX_NUMBERS} are allowed`,
  );
}

/** The field that holds all of what is at fault, by its name in a `PredictRequest`. */
function topOf(path: readonly Step[]): string {
  const [first, second] = fieldsBelowRequest(path);
  return (first ?? second)?.field.name ?? 'request';
}

function dotted(path: readonly Step[]): string {
  const text = fieldsBelowRequest(path)
    .map(({ field: { name, repeated }, index }) => (repeated && index >= 0 ? `${name}[${index}]` : name))
    .join('.');
  return text === '' ? 'request' : text;
}

/** Fields are named as in a `PredictRequest`, which a `PlanRequest` holds. */
function fieldsBelowRequest(path: readonly Step[]): readonly Step[] {
  return path[0]?.field.message?.name === 'logah.v1.PredictRequest' ? path.slice(1) : path;
}
