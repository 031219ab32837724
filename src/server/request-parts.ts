/**
 * Bounds what a request is made of before it is parsed: a message of many empty parts takes a hundred times its own
 * size as objects.
 */

import { Reader } from 'protobufjs';
import { invalidField, type LogahError } from '../errors';

/** The message-typed fields of a message, by number. */
interface Fields {
  readonly [number: number]: Fields;
}

const LEAF: Fields = {};
const BLOCK: Fields = { 2: LEAF, 3: LEAF, 4: LEAF };
const GRAPH: Fields = { 3: LEAF, 4: LEAF, 5: { 3: BLOCK } };
/** Of `PredictRequest`: the graph of the architecture, the selection, the slices. */
export const PREDICT_REQUEST: Fields = { 1: { 1: GRAPH }, 6: LEAF, 9: LEAF };
/** Of `PlanRequest`. */
export const PLAN_REQUEST: Fields = { 1: PREDICT_REQUEST };

/** Fields of a request for each node that is allowed; edges, tensors and blocks may be ten times as many as nodes. */
const PARTS_PER_NODE = 200;

const LENGTH_DELIMITED = 2;

const refusals = new WeakMap<object, LogahError>();

/** Parses only messages of a bounded number of fields; `throwIfRefused` tells of the others. */
export function boundedDeserializer<Message extends object>(
  deserialize: (bytes: Buffer) => Message,
  fields: Fields,
  maxNodes: number,
): (bytes: Buffer) => Message {
  const limit = maxNodes * PARTS_PER_NODE;
  return (bytes) => {
    if (!exceeds(bytes, fields, limit)) return deserialize(bytes);
    const stand = deserialize(Buffer.alloc(0));
    const description = `has more than ${limit} fields; this server allows ${PARTS_PER_NODE} times --max-nodes`;
    refusals.set(stand, invalidField('architecture', description));
    return stand;
  };
}

/** Throws LogahError (invalid_argument) where the request had too many fields to be parsed. */
export function throwIfRefused(request: object): void {
  const refusal = refusals.get(request);
  if (refusal !== undefined) throw refusal;
}

/** Whether a message, malformed or not, has more fields than `limit`, those of its messages included. */
function exceeds(bytes: Buffer, fields: Fields, limit: number): boolean {
  let left = limit;
  const reader = Reader.create(bytes);
  const scan = (end: number, known: Fields): void => {
    while (reader.pos < end && left >= 0) {
      left--;
      const tag = reader.uint32();
      const inner = (tag & 7) === LENGTH_DELIMITED ? known[tag >>> 3] : undefined;
      if (inner === undefined) {
        reader.skipType(tag & 7);
      } else {
        const length = reader.uint32();
        scan(reader.pos + length, inner);
      }
    }
  };
  try {
    scan(bytes.length, fields);
  } catch {
    // The parser says what is wrong with it.
    return false;
  }
  return left < 0;
}
