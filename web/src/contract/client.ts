/** The service, as this page speaks it. */

import { createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { LogahService } from '../../../src/gen/es/logah/v1/logah_pb';

let token = '';

/** Sets the bearer token of all calls from now on; empty: none. It is kept in this page's memory alone. */
export function setToken(given: string): void {
  token = given;
}

const authorize: Interceptor = (next) => (request) => {
  if (token !== '') request.header.set('authorization', `Bearer ${token}`);
  return next(request);
};

/** The client of every RPC; throws ConnectError. */
export const service = createClient(
  LogahService,
  createGrpcWebTransport({ baseUrl: location.origin, useBinaryFormat: true, interceptors: [authorize] }),
);
