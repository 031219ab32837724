/** Who calls. */

import { EVERYTHING, type Scopes } from './scopes';

/** Who calls, and what it may do. */
export interface Caller {
  /** Whom what is held and what is waited for are counted under. */
  readonly identity: string;
  /** For logs: the name in the file of callers; empty: nobody asked. */
  readonly name: string;
  readonly scopes: Scopes;
}

/** A caller that nobody asked who it is, known by the address it comes from. */
export function anonymous(address: string): Caller {
  return { identity: address, name: '', scopes: EVERYTHING };
}

/** A caller that has shown who it is. Addresses and names are told apart. */
export function known(name: string, scopes: Scopes): Caller {
  return { identity: `caller ${name}`, name, scopes };
}
