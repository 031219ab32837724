/** The contract in `proto/`, loaded for grpc-js. The options must be those of `scripts/generate-types.mjs`. */

import { join } from 'node:path';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType } from '../gen/admin';

type Contract = ProtoGrpcType['logah']['v1'];

/** `src/` and `dist/` lie beside `proto/`. */
const PROTO_DIRECTORY = join(__dirname, '..', '..', 'proto');

/** The definitions of package `logah.v1`; integers of 64 bits are JavaScript numbers, exact up to 2^53 - 1. */
export const protoDefinition: PackageDefinition = loadSync(['logah/v1/logah.proto', 'logah/v1/admin.proto'], {
  includeDirs: [PROTO_DIRECTORY],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** The service: how its messages are read and written. */
export const logahService = definitionOf('logah.v1.LogahService') as Contract['LogahService']['service'];

/** The service for those who run a server. */
export const adminService = definitionOf('logah.v1.AdminService') as Contract['AdminService']['service'];

function definitionOf(name: string): unknown {
  return protoDefinition[name];
}
