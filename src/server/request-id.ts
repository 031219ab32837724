import { randomUUID } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';

/** The metadata entry that names a call, of the caller's choice or ours. */
export const REQUEST_ID = 'x-request-id';
const REQUEST_ID_PATTERN = /^[\w.-]{1,128}$/;

/** The caller's own id, where it is one, or a new one. */
export function chooseRequestId(metadata: Metadata | undefined): string {
  const [given] = metadata?.get(REQUEST_ID) ?? [];
  return typeof given === 'string' && REQUEST_ID_PATTERN.test(given) ? given : randomUUID();
}
