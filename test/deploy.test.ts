import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { loadConfig, type ServerConfig } from '../src/config/server-config';
import { SETTINGS } from '../src/config/server-settings';
import type { Setting } from '../src/config/setting';
import { allocatorEnvironment } from './support/image-environment';

const ROOT = join(__dirname, '..');
const DEPLOY = join(ROOT, 'deploy');

const MIB = 2 ** 20;

/** Measured: the process. With CUDA, an allowance for its libraries, which lie in the host's memory too. */
const FIXED_BYTES = { cpu: 270e6, cuda: 270e6 + 1.5e9 };

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: unknown }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly limits: Readonly<Record<string, string | number>> };
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
}

interface Probe {
  readonly tcpSocket?: { readonly port: number | string };
  readonly httpGet?: { readonly port: number | string };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

interface Deployment extends Resource {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

interface Service extends Resource {
  readonly spec: {
    readonly ports: readonly { readonly port: number; readonly targetPort: number | string }[];
  };
}

async function documents<Kind>(...path: string[]): Promise<Kind[]> {
  const text = await readFile(join(DEPLOY, ...path), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Kind);
}

async function podOf(variant: string): Promise<PodSpec> {
  const objects = await documents<Resource>('kubernetes', variant, 'logah.yaml');
  return (objects.find(({ kind }) => kind === 'Deployment') as Deployment).spec.template.spec;
}

/** The settings that the pod's container gives the server. */
function configOf({ env }: Container): ServerConfig {
  const environment = Object.fromEntries(env.map(({ name, value }) => [name, value as string]));
  return loadConfig({}, '/app/models', environment);
}

describe.each(['cpu', 'cuda'] as const)('deploy/kubernetes/%s', (variant) => {
  it('lists each of its files in the kustomization', async () => {
    const [kustomization] = await documents<{ resources: string[] }>(
      'kubernetes',
      variant,
      'kustomization.yaml',
    );
    const files = (await readdir(join(DEPLOY, 'kubernetes', variant))).filter(
      (name) => name !== 'kustomization.yaml',
    );
    expect(kustomization?.resources).toEqual(files);
  });

  it('gives the server settings that exist and that it accepts, as text', async () => {
    const { containers } = await podOf(variant);
    const known = Object.values<Setting>(SETTINGS).map((setting) => setting.variable);
    for (const { name, value } of containers[0].env) {
      expect(known).toContain(name);
      expect(typeof value).toBe('string');
    }
    expect(configOf(containers[0])).toMatchObject({ executionProvider: variant, insecure: false });
    expect(containers[0].args).toEqual(['serve']);
  });

  it('speaks TLS with the key of a Secret that is mounted where the server looks', async () => {
    const { containers, volumes } = await podOf(variant);
    const { tlsCert, tlsKey } = configOf(containers[0]);
    expect([tlsCert, tlsKey]).toEqual(['/tls/tls.crt', '/tls/tls.key']);
    expect(containers[0].volumeMounts).toContainEqual({ name: 'tls', mountPath: '/tls', readOnly: true });
    expect(volumes.find(({ name }) => name === 'tls')?.secret?.secretName).toBe('logah-tls');
  });

  it('runs without root, capabilities and a writable file system', async () => {
    const { containers, securityContext } = await podOf(variant);
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('listens and is reached on one port', async () => {
    const [container] = (await podOf(variant)).containers;
    const port = Number(configOf(container).address.split(':').at(-1));
    expect(container.ports).toContainEqual({ name: 'grpc', containerPort: port });
    const objects = await documents<Resource>('kubernetes', variant, 'logah.yaml');
    const services = objects.filter(({ kind }) => kind === 'Service') as Service[];
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['logah', 'logah-headless']);
    for (const { spec } of services) expect(spec.ports[0]).toMatchObject({ targetPort: 'grpc' });
  });

  it('has its probes ask at ports that it has', async () => {
    const [container] = (await podOf(variant)).containers;
    const names = container.ports.map(({ name }) => name);
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      expect(names).toContain((probe.httpGet ?? probe.tcpSocket)?.port);
    }
  });

  it('waits longer for a pod to end than the server may take', async () => {
    const { terminationGracePeriodSeconds, containers } = await podOf(variant);
    const { shutdownGraceSeconds } = configOf(containers[0]);
    const { seconds } = containers[0].lifecycle.preStop.sleep;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(seconds + shutdownGraceSeconds + 5);
  });

  it('has memory for every stream and graph that the server admits', async () => {
    const { containers } = await podOf(variant);
    const { maxNodes, maxStreams, tilesAhead, workers, cudaDevices } = configOf(containers[0]);
    const threads = workers === 'auto' ? cudaDevices.length : workers;
    const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(String(containers[0].resources.limits.memory)) ?? [];
    // Measured: for each stream its tiles of 4 MiB and what is on the wire; 0.5 GB for 2048 nodes.
    const streams = maxStreams * (tilesAhead * 4 + 8) * MIB;
    const graphs = threads * 0.5e9 * (maxNodes / 2048) ** 2;
    const needed = FIXED_BYTES[variant] + streams + graphs;
    expect(Number(amount) * (unit === 'Gi' ? 1024 : 1) * MIB).toBeGreaterThan(needed);
  });
});

describe('deploy/kubernetes/cuda', () => {
  it('has as many GPUs as the server is told of', async () => {
    const [container] = (await podOf('cuda')).containers;
    expect(container.resources.limits['nvidia.com/gpu']).toBe(configOf(container).cudaDevices.length);
  });
});

describe('the chart', () => {
  it('allows no settings that it sets itself, and all others', async () => {
    const schema = JSON.parse(
      await readFile(join(DEPLOY, 'helm', 'logah', 'values.schema.json'), 'utf8'),
    ) as {
      properties: { settings: { propertyNames: { pattern: string; not: { enum: string[] } } } };
    };
    const { pattern, not } = schema.properties.settings.propertyNames;
    const known = Object.values<Setting>(SETTINGS).map(({ variable }) => variable.slice('LOGAH_'.length));
    expect(known).toEqual(expect.arrayContaining(not.enum));
    for (const name of known) expect(name).toMatch(new RegExp(pattern));
  });

  it('has the version of the package', async () => {
    const [chart] = await documents<{ version: string; appVersion: string }>('helm', 'logah', 'Chart.yaml');
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(chart).toMatchObject({ version, appVersion: version });
  });
});

describe('the Dockerfile', () => {
  it('sets variables that exist, and exposes and probes the port that it listens on', async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const variables = [...text.matchAll(/LOGAH_\w+/g)].map(([name]) => name);
    const known = Object.values<Setting>(SETTINGS).map(({ variable }) => variable);
    for (const name of variables) expect(known).toContain(name);
    const [, port] = /LOGAH_ADDRESS=0\.0\.0\.0:(\d+)/.exec(text) ?? [];
    expect(text).toContain(`EXPOSE ${port}\n`);
    expect(text).toContain(`"health", "--server", "127.0.0.1:${port}"]`);
  });

  it('keeps glibc from keeping what is freed', () => {
    expect(allocatorEnvironment()).toEqual({ MALLOC_MMAP_THRESHOLD_: '131072' });
  });

  it('copies what .dockerignore lets through', async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const ignore = await readFile(join(ROOT, '.dockerignore'), 'utf8');
    const allowed = [...ignore.matchAll(/^!(.+)$/gm)].map(([, path]) => path ?? '');
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
      (paths ?? '').split(' '),
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect(allowed.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))).toBe(true);
    }
  });

  it('copies what the build compiles', async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const [, head = ''] = /^(.*?)RUN npm run build/s.exec(text) ?? [];
    const script = await readFile(join(ROOT, 'scripts', 'build.mjs'), 'utf8');
    const pages = [...script.matchAll(/'build', '(\w+)'/g)].map(([, name]) => name ?? '');
    expect(pages).not.toEqual([]);
    for (const name of ['src', ...pages]) expect(head).toContain(`COPY ${name} ${name}\n`);
  });

  it('has the version of the package', async () => {
    const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(text).toContain(`ARG VERSION=${version}\n`);
  });
});
