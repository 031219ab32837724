/** The refusals of callers. They say what was asked and what is allowed, and nothing about what there is. */

import { LogahError } from '../../errors';
import { quoted } from '../../untrusted-text';
import type { RefusalReason } from './events';
import type { Caller } from './caller';

function refusal(
  kind: 'unauthenticated' | 'permission_denied' | 'resource_exhausted',
  reason: RefusalReason,
  message: string,
  options: { readonly metadata?: Readonly<Record<string, string>>; readonly retryAfterMs?: number } = {},
): LogahError {
  return new LogahError(kind, message, { reason, ...options });
}

/** No credentials came. */
export function credentialsMissing(): LogahError {
  return refusal(
    'unauthenticated',
    'CREDENTIALS_MISSING',
    'this server answers known callers alone: send a token (logah: --token-file), or a client certificate that it knows',
  );
}

/** What came is of no caller that is known: wrong, out of date or withdrawn, which are not told apart. */
export function credentialsInvalid(): LogahError {
  return refusal(
    'unauthenticated',
    'CREDENTIALS_INVALID',
    'the credentials are of no caller that this server knows',
  );
}

/** The call is for those who run the server. */
export function methodNotAllowed(caller: Caller): LogahError {
  return refusal(
    'permission_denied',
    'METHOD_NOT_ALLOWED',
    `${who(caller.name)} may not administer the server: it needs the scope admin (or, on its own machine, --admin)`,
    { metadata: { scope: 'admin' } },
  );
}

/** What all callers together do is not for this one to see. */
export function activityNotShown(caller: Caller): LogahError {
  return refusal(
    'permission_denied',
    'METHOD_NOT_ALLOWED',
    `${who(caller.name)} may not see what others do: it needs the scope admin`,
    { metadata: { scope: 'admin' } },
  );
}

/** The model is not within the caller's scopes, whether or not there is one. */
export function modelNotAllowed(model: string): LogahError {
  const which = model === '' ? 'any model that there is for this network' : `the model ${quoted(model)}`;
  return refusal(
    'permission_denied',
    'MODEL_NOT_ALLOWED',
    `this caller may not use ${which} (its scope models)`,
    {
      metadata: { scope: 'models' },
    },
  );
}

export function parametersExceeded(count: number, allowed: number): LogahError {
  return refusal(
    'permission_denied',
    'PARAMETERS_EXCEEDED',
    `the network has ${count} parameters; this caller may have ${allowed} predicted (its scope parameters)`,
    { metadata: { scope: 'parameters', parameters: `${count}`, allowed: `${allowed}` } },
  );
}

export function streamsExceeded({ scopes }: Caller, held: number, retryAfterMs: number): LogahError {
  return refusal(
    'resource_exhausted',
    'STREAMS_EXCEEDED',
    `${held} streams of this caller are in flight; it may have ${scopes.streams} (its scope streams)`,
    { retryAfterMs, metadata: { scope: 'streams', allowed: `${scopes.streams}` } },
  );
}

export function rateExceeded(what: 'requests' | 'bytes', allowed: number, retryAfterMs: number): LogahError {
  return refusal(
    'resource_exhausted',
    what === 'requests' ? 'REQUEST_RATE_EXCEEDED' : 'BYTE_RATE_EXCEEDED',
    `this caller may have ${allowed} ${what} a minute (its scope ${what}), and has had them`,
    { retryAfterMs, metadata: { scope: what, allowed: `${allowed}` } },
  );
}

function who(name: string): string {
  return name === '' ? 'a caller without a name' : `the caller ${name}`;
}
