/** The way from the bridge to the service behind it. */

import { connect, type SecureContextOptions } from 'node:tls';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { isLoopbackHost } from '../loopback';

interface Pem {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
}

/** How the service is reached over TLS. */
export type ServiceTls =
  /** Authorities that are trusted, and the certificate that is shown, in PEM; absent: those of Node.js, and none. */
  | ({ readonly kind: 'authorities' } & Pem)
  /** The service is in this process: it must have the very certificate that it has now. */
  | { readonly kind: 'own'; readonly certificate: () => Buffer };

/** A service. */
export interface ServiceAddress {
  /** "host:port". */
  readonly address: string;
  /** Undefined: plain text. */
  readonly tls?: ServiceTls | undefined;
}

/** The transport of every call. */
export function serviceTransport({ address, tls }: ServiceAddress): Transport {
  if (tls === undefined) return createGrpcTransport({ baseUrl: `http://${address}` });
  const baseUrl = `https://${address}`;
  if (tls.kind === 'authorities') {
    const { ca, cert, key } = tls;
    const nodeOptions: SecureContextOptions = {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    };
    return createGrpcTransport({ baseUrl, nodeOptions });
  }
  const { hostname, port } = new URL(baseUrl);
  return createGrpcTransport({
    baseUrl,
    nodeOptions: {
      // A certificate that was replaced counts from the next connection on.
      createConnection: () =>
        connect({
          host: hostname.replace(/^\[|\]$/g, ''),
          port: Number(port),
          ALPNProtocols: ['h2'],
          ca: tls.certificate(),
          allowPartialTrustChain: true,
          // It names the service as others reach it, not this machine.
          checkServerIdentity: () => undefined,
        }),
    },
  });
}

/** Whether nobody but the service reads what is sent to it. */
export function isPrivate({ address, tls }: ServiceAddress): boolean {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return tls !== undefined || isLoopbackHost(host);
}
