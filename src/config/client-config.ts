/** The settings of the command line as a client. */

import { LogahError } from '../errors';
import { quoted } from '../untrusted-text';
import type { Setting } from './setting';

/** By their names in `ClientConfig`. */
export const CLIENT_SETTINGS = {
  tls: {
    flag: '--tls',
    variable: 'LOGAH_TLS',
    default: '',
    description: 'speak TLS with the server; true or false (default: plain text)',
  },
  ca: {
    flag: '--ca <file>',
    variable: 'LOGAH_CA',
    default: '',
    description: 'authorities in PEM that are trusted, and with them TLS (default: those of Node.js)',
  },
  cert: {
    flag: '--cert <file>',
    variable: 'LOGAH_CERT',
    default: '',
    description: 'certificate of the client in PEM, for servers that ask for one (default: none)',
  },
  key: {
    flag: '--key <file>',
    variable: 'LOGAH_KEY',
    default: '',
    description: 'private key of that certificate in PEM (default: none)',
  },
  tokenFile: {
    flag: '--token-file <file>',
    variable: 'LOGAH_TOKEN_FILE',
    default: '',
    description:
      'file of the token that is sent with every call, over TLS or to this machine (default: none)',
  },
} as const satisfies Record<string, Setting>;

/** Paths of files; empty: none. */
export interface ClientConfig {
  readonly tls: boolean;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly tokenFile: string;
}

/** Flags as commander gives them. */
export type ClientFlags = Readonly<Partial<Record<keyof typeof CLIENT_SETTINGS, string | true>>>;

/** A client's settings from flags, then environment variables. Throws LogahError (invalid_argument). */
export function loadClientConfig(
  flags: ClientFlags,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ClientConfig {
  const valueOf = (name: keyof typeof CLIENT_SETTINGS): string => {
    const given = flags[name];
    return (given === true ? 'true' : given) ?? environment[CLIENT_SETTINGS[name].variable] ?? '';
  };
  const [tls, ca, cert, key] = [valueOf('tls'), valueOf('ca'), valueOf('cert'), valueOf('key')];
  if (!['', 'true', 'false'].includes(tls))
    throw new LogahError('invalid_argument', `LOGAH_TLS is ${quoted(tls)}; it must be true or false`);
  if (tls === 'false' && (ca !== '' || cert !== ''))
    throw new LogahError(
      'invalid_argument',
      'LOGAH_TLS is false; there must be neither --ca nor --cert then',
    );
  if ((cert === '') !== (key === ''))
    throw new LogahError('invalid_argument', '--cert and --key go together');
  return { tls: tls === 'true' || ca !== '' || cert !== '', ca, cert, key, tokenFile: valueOf('tokenFile') };
}
