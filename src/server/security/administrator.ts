/** Who may do, or see, what concerns all callers. */

import { isLoopbackHost } from '../../loopback';
import type { Caller } from './caller';
import { activityNotShown, methodNotAllowed } from './refusals';

/**
 * Who may administer a server besides callers with the scope `admin`: nobody, or, where nobody is asked who it is, whoever
 * connects from the machine that it runs on.
 */
export type AdminAccess = 'off' | 'loopback';

/** Throws LogahError (permission_denied). */
export function requireAdministrator(caller: Caller, access: AdminAccess): void {
  if (!(caller.scopes.admin || (access === 'loopback' && isFromHere(caller)))) throw methodNotAllowed(caller);
}

/**
 * Figures of all callers together are for those who may administer the server, and, where nobody is asked who it is, for
 * those on its machine, as the port of its metrics is. Throws LogahError (permission_denied).
 */
export function requireObserver(caller: Caller): void {
  if (!(caller.scopes.admin || isFromHere(caller))) throw activityNotShown(caller);
}

/** The identity of a caller without a name is the address that it comes from. */
function isFromHere({ name, identity }: Caller): boolean {
  return name === '' && isLoopbackHost(identity);
}
