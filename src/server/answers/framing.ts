/**
 * Writes chunks, which are nearly all bytes of a stream, without grpc-js's copy. grpc-js allocates a fresh buffer for
 * every message and copies the serialised message into it; at gigabytes a second the garbage collector then takes more
 * time than everything else together. Here, a chunk's bytes are framed in the memory that they lie in.
 */

import type { PredictResponse } from '../../gen/logah/v1/PredictResponse';
import type { DataChunk } from '../../stream/chunks';
import { logahService } from '../../contract/proto-definition';
import { isMessageFramer } from './grpc-internals';

/** gRPC's prefix of a message: a byte that says it is not compressed, and its length in four bytes. */
export const PREFIX_BYTES = 5;
/** Protobuf tags of `PredictResponse.chunk` (field 2, length-delimited) and of `Chunk`'s fields. */
const RESPONSE_CHUNK_TAG = 0x12;
const CHUNK_OFFSET_TAG = 0x08;
const CHUNK_DATA_TAG = 0x12;

const serializeAny = logahService.Predict.responseSerialize;

/** A message in its form on the wire, with gRPC's prefix. */
export class FramedMessage {
  constructor(readonly wire: Buffer) {}
}

/** A serialised message with gRPC's prefix. */
export function framed(message: Uint8Array): Buffer {
  const wire = Buffer.allocUnsafeSlow(PREFIX_BYTES + message.length);
  wire[0] = 0;
  wire.writeUInt32BE(message.length, 1);
  wire.set(message, PREFIX_BYTES);
  return wire;
}

/** Writes the frame of a chunk into the headroom before its data; the result shares the chunk's memory. */
export function frameChunk({ offset, data }: DataChunk): FramedMessage {
  // Defaults are left out, as proto3 has it.
  const offsetBytes = offset === 0 ? 0 : 1 + varintLength(offset);
  const dataTagBytes = data.length === 0 ? 0 : 1 + varintLength(data.length);
  const chunkBytes = offsetBytes + dataTagBytes + data.length;
  const messageBytes = 1 + varintLength(chunkBytes) + chunkBytes;
  const before = PREFIX_BYTES + messageBytes - data.length;
  const wire = Buffer.from(data.buffer, data.byteOffset - before, before + data.length);
  wire[0] = 0;
  let at = wire.writeUInt32BE(messageBytes, 1);
  wire[at++] = RESPONSE_CHUNK_TAG;
  at = writeVarint(wire, chunkBytes, at);
  if (offsetBytes > 0) {
    wire[at++] = CHUNK_OFFSET_TAG;
    at = writeVarint(wire, offset, at);
  }
  if (dataTagBytes > 0) {
    wire[at++] = CHUNK_DATA_TAG;
    writeVarint(wire, data.length, at);
  }
  return new FramedMessage(wire);
}

/** The wire form of any message of `Predict`, without the prefix. */
export function serializeResponse(message: PredictResponse | FramedMessage): Buffer {
  return message instanceof FramedMessage ? serializeFramed(message) : serializeAny(message);
}

/** The wire form of a framed message, without the prefix. */
export function serializeFramed(message: FramedMessage): Buffer {
  return message.wire.subarray(PREFIX_BYTES);
}

/**
 * Lets a call's framed messages pass as they are. Should grpc-js frame messages elsewhere one day, they are still right:
 * they are copied once more.
 */
export function framePassing(call: object): void {
  if (!isMessageFramer(call)) return;
  const frame = call.serializeMessage.bind(call);
  call.serializeMessage = (message) => (message instanceof FramedMessage ? message.wire : frame(message));
}

/** Tells the bytes of every message that a call sends, without gRPC's prefix. */
export function countMessages(call: object, count: (bytes: number) => void): void {
  if (!isMessageFramer(call)) return;
  const frame = call.serializeMessage.bind(call);
  call.serializeMessage = (message) => {
    const wire = frame(message);
    count(wire.length - PREFIX_BYTES);
    return wire;
  };
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(target: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) + 128;
  target[at++] = rest;
  return at;
}
