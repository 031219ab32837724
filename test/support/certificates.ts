/** Certificates for tests, made by OpenSSL when they are needed. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of a certificate and its key in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Subject alternative names as OpenSSL writes them. */
  readonly names?: string;
  /** Until it expires; negative: it has. */
  readonly days?: number;
}

/** An authority that signs certificates, in a directory of its own. */
export class Authority {
  readonly directory: string;
  readonly #pair: Pair;
  #made = 0;

  constructor(name = 'test authority') {
    this.directory = mkdtempSync(join(tmpdir(), 'logah-authority-'));
    this.#pair = { cert: join(this.directory, 'ca.pem'), key: join(this.directory, 'ca.key') };
    const { cert, key } = this.#pair;
    openssl(['req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`]);
  }

  /** The path of its own certificate. */
  get cert(): string {
    return this.#pair.cert;
  }

  /** Signs a certificate for this machine, or for `names`. */
  sign({ names = 'DNS:localhost,IP:127.0.0.1', days = 1 }: CertificateOptions = {}): Pair {
    const stem = join(this.directory, `${this.#made++}`);
    const [cert, key, request, extensions] = ['.pem', '.key', '.csr', '.ext'].map((end) => stem + end) as [
      string,
      string,
      string,
      string,
    ];
    openssl(['req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', '/CN=signed']);
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    const authority = ['-CA', this.#pair.cert, '-CAkey', this.#pair.key, '-CAcreateserial'];
    const content = ['-in', request, '-days', `${days}`, '-extfile', extensions, '-out', cert];
    openssl(['x509', '-req', ...authority, ...content]);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The flags of a server with this certificate. */
export function tlsFlags({ cert, key }: Pair): string[] {
  return ['--tls-cert', cert, '--tls-key', key];
}

/** What the files hold. */
export async function contents({ cert, key }: Pair): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await readFile(cert), key: await readFile(key) };
}
