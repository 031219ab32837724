/** Constructors of grpc-js's clients of the contract. */

import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ProtoGrpcType } from '../gen/admin';
import { protoDefinition } from './proto-definition';

const contract = (loadPackageDefinition(protoDefinition) as unknown as ProtoGrpcType).logah.v1;

/** Of the service. */
export const { LogahService } = contract;

/** Of the service for those who run a server. */
export const { AdminService } = contract;
