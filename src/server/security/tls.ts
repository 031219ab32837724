/** The server's side of TLS: its credentials, which follow their files. */

import { DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from './certificates';
import { FileWatch } from './file-watch';
import type { SecurityEvents } from './events';
import { reasonToLog } from './reason';

const MIN_VERSION = 'TLSv1.2';

/**
 * AES with keys of 128 bits first: with those of 256 bits, which Node.js and OpenSSL have first, both sides together take an
 * eighth more time for a stream.
 */
const FIRST_CIPHER = 'TLS_AES_128_GCM_SHA256';
const CIPHERS = [FIRST_CIPHER, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== FIRST_CIPHER)].join(
  ':',
);

/** How long a client may take to agree on keys; it holds a connection meanwhile. */
export const HANDSHAKE_MS = 10_000;

/** Credentials whose certificates can be replaced: connections from then on get the new ones. */
class ReplaceableCredentials extends ServerCredentials {
  constructor(material: TlsMaterial) {
    const requestCert = material.clientCa !== undefined;
    super(
      {
        requestCert,
        rejectUnauthorized: requestCert,
        handshakeTimeout: HANDSHAKE_MS,
        minVersion: MIN_VERSION,
      },
      contextOf(material),
    );
  }

  replace(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    ca: clientCa,
    minVersion: MIN_VERSION,
    ciphers: CIPHERS,
    honorCipherOrder: true,
  };
}

/** TLS with files that are read again when they change. */
export class ServerTls {
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  readonly #events: SecurityEvents;
  readonly #credentials: ReplaceableCredentials;
  #material: TlsMaterial;
  /** Of contents that were refused, so that each is told of once. */
  #refused: string | undefined;
  readonly #followers = new Set<(material: TlsMaterial) => void>();
  #watch: FileWatch | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(files: TlsFiles, material: TlsMaterial, logger: Logger, events: SecurityEvents) {
    this.#files = files;
    this.#material = material;
    this.#logger = logger;
    this.#events = events;
    this.#credentials = new ReplaceableCredentials(material);
    events.certificate(material.expires);
  }

  /** Reads the files and watches them. Throws as `readTlsMaterial`. */
  static async open(files: TlsFiles, logger: Logger, events: SecurityEvents): Promise<ServerTls> {
    const tls = new ServerTls(files, await readTlsMaterial(files), logger, events);
    const paths = [files.cert, files.key, ...(files.clientCa === undefined ? [] : [files.clientCa])];
    tls.#watch = await FileWatch.start(paths, () => {
      tls.#reading = tls.#reading.then(() => tls.#read());
    });
    return tls;
  }

  get credentials(): ServerCredentials {
    return this.#credentials;
  }

  /** When the certificate in force expires. */
  get expires(): Date {
    return this.#material.expires;
  }

  /** What the files hold that are in force. */
  get material(): TlsMaterial {
    return this.#material;
  }

  /** Tells of what replaces it. */
  follow(follower: (material: TlsMaterial) => void): void {
    this.#followers.add(follower);
  }

  close(): void {
    this.#watch?.close();
  }

  async #read(): Promise<void> {
    try {
      const material = await readTlsMaterial(this.#files);
      this.#refused = undefined;
      if (material.digest === this.#material.digest) return;
      this.#material = material;
      this.#credentials.replace(material);
      for (const follower of this.#followers) follower(material);
      this.#events.certificate(material.expires);
      this.#events.reloaded('certificates', true);
      this.#logger.info({ expires: material.expires }, 'certificates replaced');
    } catch (error) {
      const reason = reasonToLog(error);
      if (reason === this.#refused) return;
      this.#refused = reason;
      this.#events.reloaded('certificates', false);
      this.#logger.error({ reason, expires: this.#material.expires }, 'certificates not replaced');
    }
  }
}
