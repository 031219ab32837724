import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProxy, type ProxyName, type RunningProxy } from './proxies';
import { Replica } from './replicas';
import { expectedDigest, runTrial, writeNetwork, type Blow, type ClientKind } from './trials';

const MODELS = join(__dirname, '..', '..', '..', 'models');

/** The clients in Python where one is named that has the package's requirements; .ci/run names one. */
const python = process.env.LOGAH_PYTHON;
const CLIENTS: readonly ClientKind[] = [
  'typescript',
  ...(python === undefined ? [] : (['python', 'python-asyncio'] as const)),
];
const BLOWS: readonly Blow[] = ['SIGKILL', 'SIGTERM', 'SIGSTOP'];

/** Debian has these two; the others are for `npm run bench:resume`. */
const PROXY_NAMES: readonly ProxyName[] = ['nginx', 'haproxy'];

let directory: string;
let config: string;
let replicas: readonly [Replica, Replica];
let expected: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-proxies-'));
  config = await writeNetwork(directory);
  replicas = [await Replica.start(MODELS), await Replica.start(MODELS)];
  expected = await expectedDigest(replicas[0].address);
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.end()));
  await rm(directory, { recursive: true });
});

describe.each(PROXY_NAMES)('behind %s', (name) => {
  let proxy: RunningProxy;

  beforeEach(async () => {
    proxy = await startProxy(name, [replicas[0].port, replicas[1].port]);
  });

  afterEach(() => proxy.stop());

  it.each(CLIENTS.flatMap((client) => BLOWS.map((blow) => [client, blow] as const)))(
    'the %s client goes on at the byte where %s of the sending replica broke its stream',
    async (client, blow) => {
      const outcome = await runTrial({ client, python, config, addresses: [proxy.address], replicas, blow });
      expect(outcome.sha256).toBe(expected);
      expect(outcome.streams).toBeGreaterThan(1);
    },
  );
});

describe('with two addresses', () => {
  it.each(CLIENTS.flatMap((client) => BLOWS.map((blow) => [client, blow] as const)))(
    'the %s client goes on at the other after %s of the one that it reads from',
    async (client, blow) => {
      const addresses = [replicas[0].address, replicas[1].address] as const;
      const outcome = await runTrial({ client, python, config, addresses, replicas, blow });
      expect(outcome.sha256).toBe(expected);
      expect(outcome.streams).toBeGreaterThan(1);
    },
  );
});
