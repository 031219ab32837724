/** The files of TLS: read, and checked before anything relies on them. */

import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { LogahError } from '../../errors';
import { isSystemError, systemReason } from '../../system-error';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, and behind it those that lead to its root. */
  readonly cert: string;
  readonly key: string;
  /** Certificates that sign those of clients; undefined: clients need none. */
  readonly clientCa: string | undefined;
}

/** What the files held. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
  /** When the first of the server's certificates expires. */
  readonly expires: Date;
  /** Tells contents apart. */
  readonly digest: string;
}

/**
 * Reads the files. Throws LogahError (failed_precondition), which names the file and its setting, where one cannot be
 * read, is not what it should be or is out of date, or the key is another certificate's.
 */
export async function readTlsMaterial(files: TlsFiles, now = new Date()): Promise<TlsMaterial> {
  const cert = await read('--tls-cert', files.cert);
  const key = await read('--tls-key', files.key);
  const clientCa = files.clientCa === undefined ? undefined : await read('--tls-client-ca', files.clientCa);
  const chain = certificatesOf('--tls-cert', files.cert, cert);
  for (const certificate of chain) requireInForce('--tls-cert', files.cert, certificate, now);
  const [leaf] = chain;
  if (!leaf.checkPrivateKey(privateKeyOf(files.key, key))) {
    throw unusable('--tls-key', files.key, `is not the key of the certificate in ${files.cert} (--tls-cert)`);
  }
  if (files.clientCa !== undefined && clientCa !== undefined) {
    const path = files.clientCa;
    const roots = certificatesOf('--tls-client-ca', path, clientCa);
    // Bundles keep roots that are out of date; one that is not must be left.
    if (!roots.some((root) => isInForce(root, now))) requireInForce('--tls-client-ca', path, roots[0], now);
  }
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (error) {
    throw unusable('--tls-cert', files.cert, `is refused by OpenSSL: ${reasonOf(error)}`, error);
  }
  const hash = createHash('sha256');
  for (const part of [cert, key, clientCa ?? Buffer.alloc(0)]) {
    hash.update(`${part.length} `).update(part);
  }
  const expires = new Date(Math.min(...chain.map(({ validTo }) => Date.parse(validTo))));
  return { cert, key, clientCa, expires, digest: hash.digest('hex') };
}

async function read(setting: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = isSystemError(error) ? systemReason(error) : String(error);
    throw unusable(setting, path, `cannot be read: ${reason}`, error);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificatesOf(
  setting: string,
  path: string,
  pem: Buffer,
): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.toString('latin1').match(CERTIFICATE) ?? [];
  const parsed = blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw unusable(setting, path, `holds a certificate that cannot be read: ${reasonOf(error)}`, error);
    }
  });
  const [first, ...others] = parsed;
  if (first === undefined) throw unusable(setting, path, 'holds no certificate in PEM');
  return [first, ...others];
}

function privateKeyOf(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const isEncrypted = /passphrase|interrupted or cancelled|bad decrypt/i.test(reasonOf(error));
    const problem = isEncrypted
      ? 'is encrypted; give one without a passphrase'
      : 'holds no private key in PEM';
    // No cause: what OpenSSL says of a key stays out of logs.
    throw unusable('--tls-key', path, problem);
  }
}

function isInForce({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  return Date.parse(validFrom) <= now.getTime() && now.getTime() < Date.parse(validTo);
}

function requireInForce(setting: string, path: string, certificate: X509Certificate, now: Date): void {
  if (isInForce(certificate, now)) return;
  const from = Date.parse(certificate.validFrom);
  const isEarly = now.getTime() < from;
  const date = new Date(isEarly ? from : Date.parse(certificate.validTo)).toISOString();
  throw unusable(setting, path, isEarly ? `is not valid before ${date}` : `expired at ${date}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unusable(setting: string, path: string, problem: string, cause?: unknown): LogahError {
  return new LogahError('failed_precondition', `${setting} ${path} ${problem}`, { cause });
}
