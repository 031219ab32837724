/** Of the soak: streams that break behind real proxies, of two servers of their own, and whose bytes must be whole all the same. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROXIES, startProxy, type ProxyName, type RunningProxy } from '../test/faults/proxies/proxies';
import { Replica } from '../test/faults/proxies/replicas';
import { expectedDigest, runTrial, writeNetwork, type Blow } from '../test/faults/proxies/trials';
import { MODELS, type Caller } from './soak-load';

const BLOWS: readonly Blow[] = ['SIGKILL', 'SIGTERM', 'SIGSTOP'];

/** Debian has these in PATH; the others lie where LOGAH_PROXIES says. */
const IN_PATH: readonly ProxyName[] = ['nginx', 'haproxy'];

export interface Breaks {
  readonly caller: Caller;
  readonly end: () => Promise<void>;
}

/** Starts the proxies of these names, with commas between them. Throws where there is no such proxy. */
export async function breaksBehind(wanted: string, elsewhere: string | undefined): Promise<Breaks> {
  const names = wanted.split(',').map((name) => {
    if (!isProxy(name)) throw new Error(`no proxy ${name}; there are ${Object.keys(PROXIES).join(', ')}`);
    return name;
  });
  const directory = await mkdtemp(join(tmpdir(), 'logah-soak-'));
  const config = await writeNetwork(directory);
  const replicas = [await Replica.start(MODELS), await Replica.start(MODELS)] as const;
  const expected = await expectedDigest(replicas[0].address);
  const proxies: RunningProxy[] = [];
  for (const name of names) {
    const ports = replicas.map(({ port }) => port);
    proxies.push(await startProxy(name, ports, IN_PATH.includes(name) ? undefined : elsewhere));
  }
  const round = async (index: number): Promise<void> => {
    const proxy = proxies[index % proxies.length];
    const blow = BLOWS[Math.floor(index / proxies.length) % BLOWS.length];
    if (proxy === undefined || blow === undefined) return;
    const { address } = proxy;
    const outcome = await runTrial({ client: 'typescript', config, addresses: [address], replicas, blow });
    const what = `after ${blow} behind ${names[index % names.length] ?? ''}`;
    if (outcome.streams < 2) throw new Error(`no stream broke ${what}`);
    if (outcome.sha256 !== expected) throw new Error(`other bytes ${what}`);
  };
  return {
    caller: { name: 'breaks behind proxies', pauseMs: 1000, round },
    end: async () => {
      await Promise.all([...proxies.map(({ stop }) => stop()), ...replicas.map((replica) => replica.end())]);
      await rm(directory, { recursive: true });
    },
  };
}

function isProxy(name: string): name is ProxyName {
  return name in PROXIES;
}
