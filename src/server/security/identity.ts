/** Finds out who calls: by a token, a JSON Web Token or the certificate of the connection. */

import { readFile } from 'node:fs/promises';
import type { ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LogahError } from '../../errors';
import { isSystemError, systemReason } from '../../system-error';
import type { Caller } from './caller';
import { Callers } from './callers-file';
import { certificateNames } from './certificate-names';
import type { SecurityEvents } from './events';
import { FileWatch } from './file-watch';
import { JwtVerifier, type JwtRules } from './jwt';
import { reasonToLog } from './reason';
import { credentialsInvalid, credentialsMissing } from './refusals';

/** Longer than any token of a sane issuer. */
const MAX_TOKEN = 16_384;

/** Where callers are known from. */
export interface IdentityRules {
  /** The file of callers. */
  readonly callers: string;
  readonly jwt: JwtRules | undefined;
}

/** The known callers, whose files are read again when they change. */
export class Identity {
  readonly #rules: IdentityRules;
  readonly #jwt: JwtVerifier | undefined;
  readonly #logger: Logger;
  readonly #events: SecurityEvents;
  readonly #watches: FileWatch[] = [];
  #callers: Callers;
  #text: string;
  #reading: Promise<void> = Promise.resolve();
  #refused: string | undefined;

  private constructor(
    rules: IdentityRules,
    text: string,
    jwt: JwtVerifier | undefined,
    logger: Logger,
    events: SecurityEvents,
  ) {
    this.#rules = rules;
    this.#text = text;
    this.#callers = parse(rules.callers, text);
    this.#jwt = jwt;
    this.#logger = logger;
    this.#events = events;
  }

  /** Reads the files and watches them. Throws LogahError (failed_precondition) that names the file. */
  static async open(rules: IdentityRules, logger: Logger, events: SecurityEvents): Promise<Identity> {
    const jwt = rules.jwt && (await JwtVerifier.open(rules.jwt));
    const identity = new Identity(rules, await read(rules.callers), jwt, logger, events);
    await identity.#watch(rules.callers, () => identity.#readCallers());
    if (jwt?.file !== undefined) await identity.#watch(jwt.file, () => identity.#readKeys(jwt));
    return identity;
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  /** Who sent this. Throws LogahError (unauthenticated) where it is nobody who is known. */
  identify(metadata: Metadata, stream: ServerHttp2Stream | undefined): Caller | Promise<Caller> {
    const values = metadata.get('authorization');
    if (values.length === 0) return this.#byCertificate(stream);
    const [value] = values;
    const token = typeof value === 'string' ? /^bearer +([\x21-\x7e]+) *$/i.exec(value)?.[1] : undefined;
    if (values.length > 1 || token === undefined || token.length > MAX_TOKEN) throw credentialsInvalid();
    const caller = this.#callers.byToken(token);
    if (caller !== undefined) return caller;
    if (this.#jwt === undefined) throw credentialsInvalid();
    return this.#bySubject(this.#jwt, token);
  }

  #byCertificate(stream: ServerHttp2Stream | undefined): Caller {
    const names = certificateNames(stream);
    const caller = this.#callers.byNames(names);
    if (caller !== undefined) return caller;
    throw names.length === 0 ? credentialsMissing() : credentialsInvalid();
  }

  async #bySubject(jwt: JwtVerifier, token: string): Promise<Caller> {
    const subject = await jwt.subject(token);
    const caller = subject === undefined ? undefined : this.#callers.bySubject(subject);
    if (caller === undefined) throw credentialsInvalid();
    return caller;
  }

  async #watch(path: string, reread: () => Promise<void>): Promise<void> {
    const watch = await FileWatch.start([path], () => {
      this.#reading = this.#reading.then(reread);
    });
    this.#watches.push(watch);
  }

  async #readCallers(): Promise<void> {
    try {
      const text = await read(this.#rules.callers);
      if (text === this.#text) return;
      this.#callers = parse(this.#rules.callers, text);
      this.#text = text;
      this.#refused = undefined;
      this.#events.reloaded('callers', true);
      this.#logger.info('callers replaced');
    } catch (error) {
      const reason = reasonToLog(error);
      if (reason === this.#refused) return;
      this.#refused = reason;
      this.#events.reloaded('callers', false);
      this.#logger.error({ reason }, 'callers not replaced');
    }
  }

  async #readKeys(jwt: JwtVerifier): Promise<void> {
    try {
      await jwt.reload();
      this.#events.reloaded('keys', true);
    } catch (error) {
      this.#events.reloaded('keys', false);
      this.#logger.error({ reason: reasonToLog(error) }, 'keys not replaced');
    }
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = isSystemError(error) ? systemReason(error) : String(error);
    throw new LogahError('failed_precondition', `--callers ${path} cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

function parse(path: string, text: string): Callers {
  try {
    return Callers.parse(text);
  } catch (error) {
    if (!(error instanceof LogahError)) throw error;
    throw new LogahError(error.kind, `--callers ${path}: ${error.message}`);
  }
}
