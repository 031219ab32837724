import { LogahService } from '../../contract/service-clients';
import type { LogahServiceClient } from '../../gen/logah/v1/LogahService';
import { channelOptions } from './channel';
import { channelCredentials, tokenInterceptors, type Security } from './security';

/** One server and the connection to it. */
export interface Replica {
  /** As given to `connect`. */
  readonly target: string;
  readonly stub: LogahServiceClient;
}

/** The servers of a client, which hold the same models: one is asked until it fails, then the next. */
export class Replicas {
  /** Whether they are spoken to over TLS. */
  readonly isSecure: boolean;
  readonly #replicas: readonly [Replica, ...Replica[]];
  #current = 0;
  #closed = false;
  #reached = false;

  /** Connects at the first call. Throws LogahError (invalid_argument) where `security` is none. */
  constructor(targets: readonly [string, ...string[]], security: Security) {
    const credentials = channelCredentials(security);
    const interceptors = tokenInterceptors(targets, credentials, security.token);
    this.isSecure = credentials._isSecure();
    const open = (target: string): Replica => ({
      target,
      stub: new LogahService(target, credentials, { ...channelOptions(target), interceptors }),
    });
    const [first, ...others] = targets;
    this.#replicas = [open(first), ...others.map(open)];
  }

  get count(): number {
    return this.#replicas.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether any of them has answered yet. */
  get reached(): boolean {
    return this.#reached;
  }

  /** The one to ask. */
  get current(): Replica {
    return this.#replicas[this.#current] ?? this.#replicas[0];
  }

  answered(): void {
    this.#reached = true;
  }

  /** Turns to the next one, unless another call has done so. */
  leave(replica: Replica): void {
    if (replica === this.current) this.#current = (this.#current + 1) % this.#replicas.length;
  }

  close(): void {
    this.#closed = true;
    for (const { stub } of this.#replicas) stub.close();
  }
}
