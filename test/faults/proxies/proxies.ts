/** Real proxies in front of two replicas, each configured as its manual has it for gRPC, with its own defaults. */

import { randomInt } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../src/client';

/** How a proxy is started. */
export interface ProxyKind {
  readonly program: string;
  /** The arguments, given its configuration file. */
  readonly args: (config: string) => readonly string[];
  /** The name that its configuration file must have. */
  readonly file: string;
  /** Its configuration: listens on `port`, passes on to the upstreams' ports, writes below `directory`. */
  readonly config: (port: number, upstreams: readonly number[], directory: string) => string;
}

const lines = (upstreams: readonly number[], line: (port: number, index: number) => string): string =>
  upstreams.map(line).join('\n');

/** Where nginx puts what it does not keep in memory. */
export const temporary = (directory: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join(' ');

/** By name. */
export const PROXIES = {
  nginx: {
    program: 'nginx',
    args: (config) => ['-c', config, '-e', 'stderr'],
    file: 'nginx.conf',
    config: (port, upstreams, directory) => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary(directory)}
  upstream replicas {
${lines(upstreams, (upstream) => `    server 127.0.0.1:${upstream};`)}
  }
  server {
    listen 127.0.0.1:${port} http2;
    client_max_body_size 16m;
    location / { grpc_pass grpc://replicas; }
  }
}
`,
  },
  haproxy: {
    program: 'haproxy',
    args: (config) => ['-f', config, '-db', '-q'],
    file: 'haproxy.cfg',
    config: (port, upstreams) => `
global
  maxconn 256
defaults
  mode http
  timeout connect 2s
  timeout client 10m
  timeout server 10m
frontend clients
  bind 127.0.0.1:${port} proto h2
  default_backend replicas
backend replicas
  balance roundrobin
  option redispatch
${lines(upstreams, (upstream, index) => `  server replica${index} 127.0.0.1:${upstream} proto h2`)}
`,
  },
  envoy: {
    program: 'envoy',
    args: (config) => [
      '-c',
      config,
      '--log-level',
      'off',
      '--concurrency',
      '1',
      '--use-dynamic-base-id',
      '--disable-hot-restart',
    ],
    file: 'envoy.yaml',
    config: (port, upstreams) => `
static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: clients
          codec_type: AUTO
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{ match: { prefix: "/" }, route: { cluster: replicas, timeout: 0s } }]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: replicas
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
    load_assignment:
      cluster_name: replicas
      endpoints:
      - lb_endpoints:
${lines(upstreams, (upstream) => `        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstream} } } }`)}
`,
  },
  traefik: {
    program: 'traefik',
    args: (config) => ['--configFile', config],
    file: 'traefik.yaml',
    config: (port, upstreams, directory) => {
      return `
global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: FATAL }
entryPoints: { clients: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: ${directory}/routes.yaml } }
#routes
http:
  routers: { all: { entryPoints: [clients], rule: "PathPrefix(\`/\`)", service: replicas } }
  services:
    replicas:
      loadBalancer:
        servers:
${lines(upstreams, (upstream) => `        - url: h2c://127.0.0.1:${upstream}`)}
`;
    },
  },
  caddy: {
    program: 'caddy',
    args: (config) => ['run', '--config', config, '--adapter', 'caddyfile'],
    file: 'Caddyfile',
    config: (port, upstreams) => `
{
  admin off
  auto_https off
  persist_config off
  log {
    output discard
  }
  servers {
    protocols h1 h2 h2c
  }
}
http://127.0.0.1:${port} {
  reverse_proxy ${upstreams.map((upstream) => `h2c://127.0.0.1:${upstream}`).join(' ')}
}
`,
  },
} as const satisfies Readonly<Record<string, ProxyKind>>;

export type ProxyName = keyof typeof PROXIES;

/** A proxy that listens. */
export interface RunningProxy {
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** Below the ports that Linux gives to whoever asks for any, and to outgoing connections. */
const OWN_PORTS = [15_000, 30_000] as const;

/**
 * A port of 127.0.0.1 that nothing listens on now, and that nobody is given by chance while what listens there is killed and
 * brought back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...OWN_PORTS);
    const listener = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      listener.once('error', () => {
        resolve(false);
      });
      listener.listen(port, '127.0.0.1', () => {
        resolve(true);
      });
    });
    if (!isFree) continue;
    listener.close();
    await once(listener, 'close');
    return port;
  }
}

/** Starts a proxy for replicas on these ports. `directory`: where its program lies; undefined: in PATH. */
export function startProxy(
  name: ProxyName,
  upstreams: readonly number[],
  directory?: string,
): Promise<RunningProxy> {
  return startKind(PROXIES[name], upstreams, passesOn, directory);
}

/** The same of any kind; `isReady` resolves when the proxy on that port is. */
export async function startKind(
  kind: ProxyKind,
  upstreams: readonly number[],
  isReady: (port: number) => Promise<void>,
  directory?: string,
): Promise<RunningProxy> {
  const scratch = await mkdtemp(join(tmpdir(), `logah-${kind.program}-`));
  const port = await freePort();
  const config = join(scratch, kind.file);
  // Traefik reads its routes from a file of their own.
  const [main = '', routes] = kind.config(port, upstreams, scratch).split('#routes');
  await writeFile(config, main);
  if (routes !== undefined) await writeFile(join(scratch, 'routes.yaml'), routes);
  const program = directory === undefined ? kind.program : join(directory, kind.program);
  const child = spawn(program, kind.args(config), {
    cwd: scratch,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: scratch, XDG_CONFIG_HOME: scratch, XDG_DATA_HOME: scratch },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<string>((resolve) => {
    child
      .once('error', (error) => {
        resolve(error.message);
      })
      .once('exit', (code) => {
        resolve(`exit code ${String(code)}`);
      });
  });
  // SIGKILL would leave the workers of nginx, and others would wait for their streams after SIGTERM.
  const killAtExit = (): void => {
    child.kill(kind.program === 'nginx' ? 'SIGTERM' : 'SIGKILL');
  };
  process.once('exit', killAtExit);
  const stop = async (): Promise<void> => {
    killAtExit();
    await ended;
    process.off('exit', killAtExit);
    await rm(scratch, { recursive: true, force: true });
  };
  const end = await Promise.race([ended, isReady(port).then(() => undefined)]);
  if (end !== undefined) {
    await stop();
    throw new Error(`${program} ended before it listened: ${end}: ${said}`);
  }
  return { address: `127.0.0.1:${port}`, stop };
}

/** Resolves when a call gets through: some proxies listen before they know where to. */
async function passesOn(port: number): Promise<void> {
  await listens(port);
  const client = connect(`127.0.0.1:${port}`, { patienceMs: 0 });
  try {
    for (;;) {
      const answered = await client.listModels().then(
        () => true,
        () => false,
      );
      if (answered) return;
      await delay(20);
    }
  } finally {
    client.close();
  }
}

/** Resolves when the port takes connections. */
export async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = connectTcp(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket
        .once('connect', () => {
          resolve(true);
        })
        .once('error', () => {
          resolve(false);
        });
    });
    socket.destroy();
    if (connected) return;
    await delay(20);
  }
}
