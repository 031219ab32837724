/** The explorer: one HTTP address with the page, its files, and the contract for the browser. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { LogahError } from '../errors';
import { bridgeRoutes, type BridgeTarget } from './bridge';
import { refusalOf, SECURITY_HEADERS } from './headers';
import { readServedFiles, servedFile, type ServedFile, type ServedFiles } from './page-files';
import { startFiles, type OpenedArchitecture } from './start-files';

export type { BridgeTarget } from './bridge';
export type { OpenedArchitecture } from './start-files';

/** In PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What to serve, and before which service. */
export interface ExplorerOptions {
  /** "host:port" to listen on; port 0: a free one. */
  readonly address: string;
  readonly target: BridgeTarget;
  /** The page's own certificate; undefined: it is in plain text. */
  readonly tls?: Certificate | undefined;
  /** The built page. */
  readonly pageDirectory: string;
  readonly examplesDirectory: string;
  /** Shown when the page opens; undefined: the page asks. */
  readonly opened?: OpenedArchitecture | undefined;
  readonly version: string;
}

/** An explorer that listens. */
export interface Explorer {
  /** Where a browser finds it. */
  readonly url: string;
  /** Connections from now on get another certificate; only where there was one. */
  replaceCertificate(by: Certificate): void;
  /** Ends open calls and closes. */
  close(): Promise<void>;
}

/** Starts an explorer. Throws LogahError (failed_precondition) where the page is not built or the address is taken. */
export async function startExplorer(options: ExplorerOptions): Promise<Explorer> {
  const { address, target, tls, pageDirectory } = options;
  const page = await readServedFiles(pageDirectory).catch((error: unknown) => {
    const message = `the explorer's page is not built (${pageDirectory}); npm run build does that`;
    throw new LogahError('failed_precondition', message, { cause: error });
  });
  const files = new Map([...page, ...(await startFiles(options, servedFile))]);
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const loopbackOnly = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const rpc = connectNodeAdapter({ routes: bridgeRoutes(target, !loopbackOnly) });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response, { files, loopbackOnly, rpc });
  };
  const secure = tls && createSecureServer(secureContext(tls), onRequest);
  const server: Server | SecureServer = secure ?? createServer(onRequest);
  // A download takes as long as it takes.
  server.requestTimeout = 0;
  await listen(server, host, Number(address.slice(colon + 1)), address);
  const { port } = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http${secure ? 's' : ''}://${shown}:${port}/`,
    replaceCertificate: (by) => {
      secure?.setSecureContext(secureContext(by));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function secureContext({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', honorCipherOrder: true };
}

interface Answering {
  readonly files: ServedFiles;
  readonly loopbackOnly: boolean;
  readonly rpc: (request: IncomingMessage, response: ServerResponse) => void;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { files, loopbackOnly, rpc }: Answering,
): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  const refusal = refusalOf(request.headers, loopbackOnly);
  if (refusal !== undefined) {
    response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end(`${refusal}\n`);
    return;
  }
  const path = pathOf(request.url);
  const file = files.get(path === '/' ? '/index.html' : path);
  if (file === undefined) rpc(request, response);
  else if (request.method === 'GET' || request.method === 'HEAD') sendFile(request, response, file);
  else response.writeHead(405, { allow: 'GET, HEAD' }).end();
}

function sendFile(
  { headers, method }: IncomingMessage,
  response: ServerResponse,
  { type, bytes, gzipped, etag, isImmutable }: ServedFile,
): void {
  response.setHeader('etag', etag);
  response.setHeader('cache-control', isImmutable ? 'max-age=31536000, immutable' : 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const takesGzip = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  const body = takesGzip && gzipped !== undefined ? gzipped : bytes;
  if (body === gzipped) response.setHeader('content-encoding', 'gzip');
  response.writeHead(200, { 'content-type': type, 'content-length': body.length });
  response.end(method === 'HEAD' ? undefined : body);
}

/** The decoded path of a request; one that is none leads nowhere. */
function pathOf(url = '/'): string {
  try {
    return decodeURIComponent(new URL(url, 'http://explorer').pathname);
  } catch {
    return '';
  }
}

function listen(server: Server | SecureServer, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot listen on ${address}: ${error.message}`;
      reject(new LogahError('failed_precondition', message, { cause: error }));
    });
    server.listen(port, host, () => {
      resolve();
    });
  });
}
