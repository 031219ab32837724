/** What the page's responses say of themselves, and which requests are answered at all. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { quoted } from '../untrusted-text';

/** Everything comes from here, nothing is evaluated, and nobody frames it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** Of every response. */
export const SECURITY_HEADERS: OutgoingHttpHeaders = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/**
 * Why a request is refused; undefined: it is not. A page elsewhere must not call the service with what this browser may
 * see, neither directly nor by a name of its own that leads to this machine (`loopbackOnly`).
 */
export function refusalOf(headers: IncomingHttpHeaders, loopbackOnly: boolean): string | undefined {
  const { host = '', origin } = headers;
  if (loopbackOnly && !LOOPBACK_HOST.test(host)) return `the host ${quoted(host)} is not this machine's`;
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return `the origin ${quoted(origin)} is not this page's`;
  }
  return undefined;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
