/** How a client's connections are secured, and how it says who it is. */

import { readFileSync } from 'node:fs';
import {
  credentials,
  InterceptingCall,
  Metadata,
  status,
  type ChannelCredentials,
  type Interceptor,
} from '@grpc/grpc-js';
import { LogahError } from '../../errors';
import { isLoopback } from './channel';

/** PEM contents. */
export interface ClientTls {
  /** Authorities that are trusted; default: those of Node.js. */
  readonly ca?: string | Buffer | undefined;
  /** The client's own certificate, where the server asks for one, and its key. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

/** How a client is known to servers, and servers to it. */
export interface Security {
  /** TLS, and with what; `true`: with the authorities of Node.js. Default: plain text. */
  readonly tls?: boolean | ClientTls | undefined;
  /**
   * A bearer token, or what gives one for each call. It is sent over TLS, and in plain text on the loopback alone. Default:
   * none.
   */
  readonly token?: string | (() => string) | undefined;
  /** Credentials of grpc-js in the place of `tls`. */
  readonly credentials?: ChannelCredentials | undefined;
}

/** The credentials of a channel. Throws LogahError (invalid_argument) where they contradict each other or are no PEM. */
export function channelCredentials({ tls, credentials: given }: Security): ChannelCredentials {
  if (given !== undefined && tls !== undefined)
    throw new LogahError('invalid_argument', 'give either tls or credentials');
  if (given !== undefined) return given;
  if (tls === undefined || tls === false) return credentials.createInsecure();
  const { ca, cert, key } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined))
    throw new LogahError('invalid_argument', "a client's certificate and its key go together");
  checkPem('ca', ca, 'CERTIFICATE');
  checkPem('cert', cert, 'CERTIFICATE');
  checkPem('key', key, 'PRIVATE KEY');
  const [root, own, secret] = [ca, cert, key].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  try {
    return credentials.createSsl(root ?? null, secret ?? null, own ?? null);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogahError('invalid_argument', `TLS cannot be set up with these files: ${reason}`);
  }
}

/** Node.js takes authorities without a certificate for none at all, and says so only when it has tried to connect. */
function checkPem(name: keyof ClientTls, pem: string | Buffer | undefined, needed: string): void {
  if (pem === undefined || new RegExp(`-----BEGIN [A-Z ]*${needed}-----`).test(pem.toString('latin1')))
    return;
  throw new LogahError(
    'invalid_argument',
    `tls.${name} (--${name} of the command line) has no ${needed.toLowerCase()} in PEM`,
  );
}

/** Interceptors that send the token. Throws LogahError (invalid_argument) where it would leave this machine in plain text. */
export function tokenInterceptors(
  targets: readonly string[],
  channel: ChannelCredentials,
  token: Security['token'],
): Interceptor[] {
  if (token === undefined) return [];
  const far = targets.find((target) => !isLoopback(target));
  if (far !== undefined && !channel._isSecure()) {
    throw new LogahError(
      'invalid_argument',
      `the token is not sent to ${far} in plain text, which others could read: connect with TLS`,
    );
  }
  return [bearer(typeof token === 'string' ? () => token : token)];
}

/** Reads a token from a file at each call, so that one that is replaced is noticed. */
export function tokenFromFile(path: string): () => string {
  return () => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8').trim();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new LogahError('failed_precondition', `the token's file ${path} cannot be read (${code})`);
    }
    return text;
  };
}

function bearer(token: () => string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        let value: string;
        try {
          value = checked(token());
        } catch (error) {
          const details = error instanceof Error ? error.message : String(error);
          listener.onReceiveStatus({ code: status.UNAUTHENTICATED, details, metadata: new Metadata() });
          return;
        }
        metadata.set('authorization', `Bearer ${value}`);
        next(metadata, listener);
      },
      sendMessage: (message, next) => {
        next(message);
      },
      halfClose: (next) => {
        next();
      },
      cancel: (next) => {
        next();
      },
    });
}

/** What is no token must not be shown in an error either. */
function checked(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new LogahError('invalid_argument', 'the token is empty or has characters that no token has');
}
