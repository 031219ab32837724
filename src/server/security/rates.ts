/** What callers may have a minute. */

import type { Caller } from './caller';
import { rateExceeded } from './refusals';
import { TokenBucket } from './token-bucket';

type Limited = 'requests' | 'bytes';

interface Rate {
  readonly allowed: number;
  readonly bucket: TokenBucket;
}

/** The rates of all callers that have one; there are as many as there are names with a rate in the file of callers. */
export class Rates {
  readonly #rates = { requests: new Map<string, Rate>(), bytes: new Map<string, Rate>() };

  /** Counts a call. Throws LogahError (resource_exhausted) where the caller has had its calls. */
  request(caller: Caller): void {
    const rate = this.#rate('requests', caller);
    if (rate === undefined) return;
    const wait = rate.bucket.waitMs(1);
    if (wait > 0) throw rateExceeded('requests', rate.allowed, wait);
    rate.bucket.take(1);
  }

  /** Throws LogahError (resource_exhausted) where the caller has had its bytes; what is sent next is its own choice. */
  requireBytes(caller: Caller): void {
    const rate = this.#rate('bytes', caller);
    const wait = rate?.bucket.waitMs(1) ?? 0;
    if (rate !== undefined && wait > 0) throw rateExceeded('bytes', rate.allowed, wait);
  }

  /** Counts bytes that are sent. */
  sent(caller: Caller, bytes: number): void {
    this.#rate('bytes', caller)?.bucket.take(bytes);
  }

  #rate(limited: Limited, { identity, scopes }: Caller): Rate | undefined {
    const allowed = scopes[limited];
    if (allowed === Infinity) return undefined;
    const kept = this.#rates[limited].get(identity);
    if (kept?.allowed === allowed) return kept;
    const rate = { allowed, bucket: new TokenBucket(allowed) };
    this.#rates[limited].set(identity, rate);
    return rate;
  }
}
