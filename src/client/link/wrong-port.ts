/** Names TLS where one side speaks it and the other does not, which gRPC calls a protocol error or a lost connection. */

import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { RemoteError } from '../remote-error';

/** How long a server may take to begin with TLS. */
const HANDSHAKE_MS = 2000;

/** What OpenSSL says of an answer that is no TLS. */
const NO_TLS =
  /wrong version number|packet length too long|record layer failure|unexpected eof|tls_get_more_records|http request/i;

/** What a lost or refused connection is explained by, if TLS is the reason. */
export async function explained(error: RemoteError, isSecure: boolean): Promise<RemoteError | undefined> {
  if (error.code === status.FAILED_PRECONDITION || !isOfConnection(error)) return undefined;
  const { target } = error;
  if (isSecure) {
    return NO_TLS.test(error.message)
      ? tlsError(target, 'does not speak TLS, or not on this port; this client does')
      : undefined;
  }
  return (await speaksTls(target))
    ? tlsError(target, 'speaks TLS on this port; this client does not (logah: --tls)')
    : undefined;
}

function isOfConnection({ code, isOfService }: RemoteError): boolean {
  return (
    !isOfService && [status.UNAVAILABLE, status.INTERNAL, status.UNKNOWN, status.UNIMPLEMENTED].includes(code)
  );
}

function tlsError(target: string, how: string): RemoteError {
  return new RemoteError(target, {
    code: status.FAILED_PRECONDITION,
    details: `server ${target} ${how}`,
  });
}

/** Whether a port answers the beginning of TLS with TLS. */
async function speaksTls(target: string): Promise<boolean> {
  const match = /^(?:dns:(?:\/\/[^/]*\/)?)?(?:\[([0-9a-f:.]+)\]|([^:/,\s]+)):(\d{1,5})$/i.exec(target);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return false;
  return new Promise((resolve) => {
    // Nothing is sent but the beginning, whoever answers.
    const socket = connect({
      host,
      port: Number(match?.[3]),
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(HANDSHAKE_MS, () => {
      settle(false);
    });
    socket.once('secureConnect', () => {
      settle(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // An alert is TLS too.
      settle(/alert/i.test(error.message));
    });
  });
}
