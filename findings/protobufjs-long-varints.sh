#!/usr/bin/env bash
# protobufjs reads a number of 32 bits that is written in six to nine bytes as if it had ten, and so the fields behind it wrongly.
#
# Guess: a parser takes a varint of up to ten bytes for a field of 32 bits and keeps the low 32 bits, as the wire format has
#        it and other parsers do; or it refuses the message.
# Seen:  protobufjs reads five bytes, and passes over five more without looking where the number ends. The next fields begin
#        in the wrong place: here a text is lost, and what was inside it becomes a field of its own, without an error. Whoever
#        checks messages with another parser first has checked another message.
# With:  protobufjs 7.6.6, beside @bufbuild/protobuf 2.13.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts protobufjs@7.6.6 @bufbuild/protobuf@2.13.0
cat >probe.cjs <<'NODE'
const { fromBinary } = require('@bufbuild/protobuf');
const { FileDescriptorProtoSchema } = require('@bufbuild/protobuf/wkt');
const { createFileRegistry } = require('@bufbuild/protobuf');
const { create } = require('@bufbuild/protobuf');
const protobuf = require('protobufjs');

const UINT32 = 13;
const STRING = 9;
const OPTIONAL = 1;
const field = (name, number, type) => ({ name, number, type, label: OPTIONAL, jsonName: name });
const file = create(FileDescriptorProtoSchema, {
  name: 'probe.proto',
  syntax: 'proto3',
  messageType: [
    { name: 'Probe', field: [field('count', 1, UINT32), field('text', 2, STRING), field('other', 3, UINT32)] },
  ],
});
const schema = createFileRegistry(file, () => undefined).getMessage('Probe');
const Probe = protobuf.parse(
  'syntax = "proto3"; message Probe { uint32 count = 1; string text = 2; uint32 other = 3; }',
).root.lookupType('Probe');

/** 1 in so many bytes. */
const one = (length) => Buffer.from([0x81, ...Array(length - 2).fill(0x80), 0]);

const rows = [];
for (let length = 2; length <= 10; length++) {
  // A text of four bytes: two that are any, and two that read as `other: 7`.
  const bytes = Buffer.concat([Buffer.from([0x08]), one(length), Buffer.from([0x12, 4, 0x41, 0x42, 0x18, 7])]);
  const { count, text, other } = fromBinary(schema, bytes);
  let read;
  try {
    read = JSON.stringify(Probe.toObject(Probe.decode(bytes)));
  } catch (error) {
    read = `error: ${error.message}`;
  }
  const expected = JSON.stringify({ count, text, ...(other && { other }) });
  rows.push({ length, same: read === expected, read, expected });
}
for (const { length, same, read, expected } of rows) {
  console.log(`${length} bytes: ${same ? 'the same' : `protobufjs ${read}, the other ${expected}`}`);
}
const differ = rows.filter(({ same }) => !same).map(({ length }) => length);
process.exit(differ.join() === '6,7,8,9' ? 0 : 1);
NODE
node probe.cjs
