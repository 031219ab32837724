/** Lets calls in: who calls, and how often. */

import type { ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import { anonymous, type Caller } from './caller';
import { certificateNames } from './certificate-names';
import type { Identity } from './identity';
import { Rates } from './rates';

/** The gate of one server. */
export class Gate {
  readonly rates = new Rates();
  readonly #identity: Identity | undefined;
  readonly #open: ReadonlySet<string>;

  /** Without `identity` nobody is asked who it is. `open`: paths that answer everybody. */
  constructor(identity: Identity | undefined, open: ReadonlySet<string>) {
    this.#identity = identity;
    this.#open = open;
  }

  /** Whether a path answers everybody. */
  isOpen(path: string): boolean {
    return this.#open.has(path);
  }

  /** Who calls. Throws, or rejects with, a LogahError where the call is refused. */
  admit(
    path: string,
    metadata: Metadata,
    stream: ServerHttp2Stream | undefined,
    address: string,
  ): Caller | Promise<Caller> {
    if (this.isOpen(path)) return anonymous(address);
    const caller = this.#identity?.identify(metadata, stream) ?? unasked(stream, address);
    return caller instanceof Promise ? caller.then((one) => this.#count(one)) : this.#count(caller);
  }

  #count(caller: Caller): Caller {
    this.rates.request(caller);
    return caller;
  }
}

/** Where nobody is asked who it is, a client's certificate still gives it a name. */
function unasked(stream: ServerHttp2Stream | undefined, address: string): Caller {
  const [name] = certificateNames(stream);
  return name === undefined
    ? anonymous(address)
    : { ...anonymous(address), identity: `certificate ${name}`, name };
}
