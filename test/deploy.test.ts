import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { loadConfig, SETTINGS, type Setting, type ServerConfig } from '../src/config';

const ROOT = join(__dirname, '..');
const KUBERNETES = join(ROOT, 'deploy', 'kubernetes');

const MIB = 2 ** 20;

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: unknown }[];
  readonly ports: readonly { readonly containerPort: number }[];
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface Probe {
  readonly grpc: { readonly port: number; readonly service?: string };
}

interface Deployment extends Resource {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
      };
    };
  };
}

interface Service extends Resource {
  readonly spec: { readonly ports: readonly { readonly port: number; readonly targetPort: number }[] };
}

/** Every resource of the directory's files. */
async function resources(): Promise<Resource[]> {
  const files = (await readdir(KUBERNETES)).filter((name) => name !== 'kustomization.yaml');
  const texts = await Promise.all(files.map((name) => readFile(join(KUBERNETES, name), 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Resource));
}

async function deployment(): Promise<Deployment['spec']['template']['spec']> {
  const found = (await resources()).find(({ kind }) => kind === 'Deployment');
  return (found as Deployment).spec.template.spec;
}

/** The settings that the pod's container gives the server. */
function configOf({ env }: Container): ServerConfig {
  const environment = Object.fromEntries(env.map(({ name, value }) => [name, value as string]));
  return loadConfig({}, '/app/models', environment);
}

describe('deploy/kubernetes', () => {
  it('lists each of its files in the kustomization', async () => {
    const text = await readFile(join(KUBERNETES, 'kustomization.yaml'), 'utf8');
    const { resources: listed } = parseAllDocuments(text)[0]?.toJS() as { resources: string[] };
    const files = (await readdir(KUBERNETES)).filter((name) => name !== 'kustomization.yaml');
    expect([...listed].sort()).toEqual(files.sort());
  });

  it('gives the server settings that exist and that it accepts, as text', async () => {
    const { containers } = await deployment();
    const known = Object.values<Setting>(SETTINGS).map(({ variable }) => variable);
    for (const { name, value } of containers[0].env) {
      expect(known).toContain(name);
      expect(typeof value).toBe('string');
    }
    expect(() => configOf(containers[0])).not.toThrow();
  });

  it('runs a command of the image', async () => {
    const { containers } = await deployment();
    expect(containers[0].args).toEqual(['serve']);
  });

  it('listens, is probed and is reached on one port', async () => {
    const { containers } = await deployment();
    const [container] = containers;
    const port = Number(configOf(container).address.split(':').at(-1));
    expect(container.ports.map(({ containerPort }) => containerPort)).toEqual([port]);
    const { startupProbe, readinessProbe, livenessProbe } = container;
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) expect(probe.grpc.port).toBe(port);
    const services = (await resources()).filter(({ kind }) => kind === 'Service') as Service[];
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['logah', 'logah-headless']);
    for (const { spec } of services) expect(spec.ports.map(({ targetPort }) => targetPort)).toEqual([port]);
  });

  it('waits longer for a pod to end than the server may take', async () => {
    const { terminationGracePeriodSeconds, containers } = await deployment();
    const { shutdownGraceSeconds } = configOf(containers[0]);
    const { seconds } = containers[0].lifecycle.preStop.sleep;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(seconds + shutdownGraceSeconds + 5);
  });

  it('has memory for every stream and graph that the server admits', async () => {
    const { containers } = await deployment();
    const { maxNodes, maxStreams, tilesAhead, workers } = configOf(containers[0]);
    const [, mebibytes] = /^(\d+)Mi$/.exec(containers[0].resources.limits.memory) ?? [];
    // Measured: 270 MB and, for each stream, its tiles of 4 MiB and what is on the wire; 0.5 GB for 2048 nodes.
    const streams = maxStreams * (tilesAhead * 4 + 8) * MIB;
    const graphs = Number(workers) * 0.5e9 * (maxNodes / 2048) ** 2;
    const needed = 270e6 + streams + graphs;
    expect(Number(mebibytes) * MIB).toBeGreaterThan(needed);
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
});
