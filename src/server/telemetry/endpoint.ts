/** The HTTP port for those who watch a server: metrics and probes, apart from the port that serves. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { LogahError } from '../../errors';

const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** What the probes ask. */
export interface Wellness {
  /** Why the server takes no calls; undefined: it does. */
  readonly notReady: () => string | undefined;
}

/** A port that listens. */
export class MetricsEndpoint {
  readonly #server: Server;
  readonly address: string;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** Listens on HOST:PORT. Throws LogahError (failed_precondition) where that cannot be had. */
  static async open(address: string, registry: Registry, wellness: Wellness): Promise<MetricsEndpoint> {
    const server = createServer((request, response) => {
      answer(request, response, registry, wellness).catch(() => response.destroy());
    });
    server.requestTimeout = REQUEST_MS;
    server.maxConnections = MAX_CONNECTIONS;
    const split = address.lastIndexOf(':');
    const host = address.slice(0, split).replace(/^\[|\]$/g, '');
    server.listen({ host, port: Number(address.slice(split + 1)) });
    try {
      await once(server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LogahError(
        'failed_precondition',
        `cannot listen on ${address} (--metrics-address): ${reason}`,
        {
          cause,
        },
      );
    }
    server.unref();
    const { port } = server.address() as AddressInfo;
    return new MetricsEndpoint(server, `${address.slice(0, split)}:${port}`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  registry: Registry,
  { notReady }: Wellness,
): Promise<void> {
  const reply = (code: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : body);
  };
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    reply(405, 'only GET and HEAD are answered\n');
    return;
  }
  switch (url?.replace(/\?.*$/s, '') ?? '') {
    case '/metrics':
      reply(200, await registry.metrics(), registry.contentType);
      return;
    case '/livez':
      reply(200, 'ok\n');
      return;
    case '/readyz': {
      const reason = notReady();
      reply(reason === undefined ? 200 : 503, `${reason ?? 'ok'}\n`);
      return;
    }
    default:
      reply(404, 'there are /metrics, /livez and /readyz\n');
  }
}
