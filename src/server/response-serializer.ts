/**
 * Serialises the messages of a prediction stream. Chunks, which are nearly all of its bytes, are laid out by hand in
 * one buffer that is used again and again; grpc-js copies what it is given before the next message is serialised.
 */

import type { PredictResponse } from '../gen/logah/v1/PredictResponse';
import { LogahService } from '../proto-definition';

/** Protobuf tags of `PredictResponse.chunk` (field 2, length-delimited) and of `Chunk`'s fields. */
const RESPONSE_CHUNK_TAG = 0x12;
const CHUNK_OFFSET_TAG = 0x08;
const CHUNK_DATA_TAG = 0x12;
/** Tags and lengths of a chunk: three tags and three variable-length integers of up to 8 bytes. */
const MAX_FRAMING_BYTES = 32;

const serializeAny = LogahService.service.Predict.responseSerialize;

let scratch = Buffer.alloc(0);

/** The wire form of a message; the buffer is valid until the next call. */
export function serializeResponse(message: PredictResponse): Buffer {
  const chunk = message.chunk;
  if (!(chunk?.data instanceof Uint8Array) || typeof chunk.offset !== 'number') return serializeAny(message);
  const { data, offset } = chunk;
  if (scratch.length < data.length + MAX_FRAMING_BYTES)
    scratch = Buffer.alloc(data.length + MAX_FRAMING_BYTES);
  // Defaults are left out, as proto3 has it.
  const offsetBytes = offset === 0 ? 0 : 1 + varintLength(offset);
  const dataBytes = data.length === 0 ? 0 : 1 + varintLength(data.length) + data.length;
  let at = 0;
  scratch[at++] = RESPONSE_CHUNK_TAG;
  at = writeVarint(offsetBytes + dataBytes, at);
  if (offsetBytes > 0) {
    scratch[at++] = CHUNK_OFFSET_TAG;
    at = writeVarint(offset, at);
  }
  if (dataBytes > 0) {
    scratch[at++] = CHUNK_DATA_TAG;
    at = writeVarint(data.length, at);
    scratch.set(data, at);
    at += data.length;
  }
  return scratch.subarray(0, at);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) scratch[at++] = (rest % 128) + 128;
  scratch[at++] = rest;
  return at;
}
