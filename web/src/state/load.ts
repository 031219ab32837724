/** Asks for plans, and keeps asking while a server is away. */

import { service } from '../contract/client';
import { faultOf } from '../contract/fault';
import type { Plan } from '../../../src/gen/es/logah/v1/logah_pb';
import { fault, isLoading, models, needsToken, network, settings, source, type Settings } from './app-state';
import { keyOf, requestOf, type Wanted } from './requests';
import { networkOf, type Network } from './network';
import type { Source } from './source';

/** Milliseconds until a server that is away is asked again. */
const AGAIN_MS = 1500;

const networks = new Map<string, Promise<Network>>();
const plans = new Map<string, Promise<Plan>>();

/** Networks that are kept; each is as large as its plan. */
const KEPT = 8;

let running: AbortController | undefined;
let again: ReturnType<typeof setTimeout> | undefined;

/** The plan and graph of a source, kept once they are known. Rejects with ConnectError. */
export function loadNetwork(from: Source, how: Settings): Promise<Network> {
  return kept(networks, keyOf(from, how), async () => {
    const { plan, graph } = await service.plan({ request: requestOf(from, how), graph: true });
    if (plan === undefined || graph === undefined) throw new Error('the server sent no plan');
    return networkOf(plan, graph);
  });
}

/** A plan of what is wanted, kept once it is known. Rejects with ConnectError. */
export function loadPlan(from: Source, how: Settings, wanted: Wanted): Promise<Plan> {
  return kept(plans, `${keyOf(from, how)}/${JSON.stringify(wanted)}`, async () => {
    const { plan } = await service.plan({ request: requestOf(from, how, wanted) });
    if (plan === undefined) throw new Error('the server sent no plan');
    return plan;
  });
}

/** Shows the source under the settings as they are now. */
export async function refresh(): Promise<void> {
  const from = source.value;
  running?.abort();
  clearTimeout(again);
  if (from === undefined) return;
  const mine = (running = new AbortController());
  isLoading.value = true;
  try {
    const loaded = await loadNetwork(from, settings.value);
    if (mine.signal.aborted) return;
    if (models.value.length === 0) models.value = (await service.listModels({})).models;
    network.value = loaded;
    fault.value = undefined;
    needsToken.value = false;
  } catch (error) {
    if (mine.signal.aborted) return;
    fault.value = faultOf(error);
    needsToken.value = fault.value?.kind === 'unauthenticated';
    if (fault.value?.kind === 'unavailable') again = setTimeout(() => void refresh(), AGAIN_MS);
  } finally {
    if (!mine.signal.aborted) isLoading.value = false;
  }
}

function kept<Value>(
  cache: Map<string, Promise<Value>>,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  cache.set(key, made);
  for (const oldest of cache.keys()) {
    if (cache.size <= KEPT) break;
    cache.delete(oldest);
  }
  // What failed is asked for anew.
  made.catch(() => cache.delete(key));
  return made;
}
