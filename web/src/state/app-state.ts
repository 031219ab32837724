/** What the page shows; every part of it reads from here, and the address of the page follows. */

import { computed, signal } from '@preact/signals';
import type { Model } from '../../../src/gen/es/logah/v1/logah_pb';
import type { Fault } from '../contract/fault';
import type { Network } from './network';
import type { Source } from './source';

/** The parts of the page. */
export const VIEWS = ['graph', 'plan', 'weights', 'compare', 'size', 'download', 'live'] as const;
export type View = (typeof VIEWS)[number];

/** How the network is to be predicted. */
export interface Settings {
  /** Empty: the server chooses. */
  readonly model: string;
  readonly seed: number;
  readonly lift: number;
  /** 1: the prediction as it is. */
  readonly strength: number;
  readonly base: number;
  /** 0: the server chooses. */
  readonly copies: number;
}

export const DEFAULT_SETTINGS: Settings = { model: '', seed: 0, lift: 0, strength: 1, base: 0, copies: 0 };

/** Whether noise is added to what is predicted, which then has no factors. */
export function isNoisy({ lift, base }: Settings): boolean {
  return lift > 0 || base > 0;
}

/** What is selected: a tensor, a node of the graph, or a module that holds both. */
export interface Selection {
  readonly kind: 'tensor' | 'node' | 'module';
  readonly name: string;
}

/** What `explorer.json` says. */
export interface Start {
  readonly version: string;
  readonly opened: { readonly name: string; readonly url: string } | null;
  readonly examples: readonly { readonly name: string; readonly modelType: string; readonly url: string }[];
}

export const start = signal<Start | undefined>(undefined);
export const models = signal<readonly Model[]>([]);
export const source = signal<Source | undefined>(undefined);
export const settings = signal<Settings>(DEFAULT_SETTINGS);
export const view = signal<View>('graph');
export const selection = signal<Selection | undefined>(undefined);
export const network = signal<Network | undefined>(undefined);
export const isLoading = signal(false);
export const fault = signal<Fault | undefined>(undefined);
/** Groups of the graph that are open, in the order in which they were opened; undefined: as the page thinks best. */
export const openGroups = signal<readonly string[] | undefined>(undefined);
/** Whether calls are refused until a token is given. */
export const needsToken = signal(false);

/** The tensor that is selected, or the first of the node. */
export const selectedTensor = computed(() => {
  const [now, what] = [network.value, selection.value];
  if (now === undefined || what === undefined) return undefined;
  if (what.kind === 'tensor') return now.tensorByName.get(what.name);
  if (what.kind === 'node') {
    const index = now.graph.nodes.findIndex(({ name }) => name === what.name);
    return now.tensorsOfNode[index]?.[0];
  }
  return now.tensors.find(({ name }) => name.startsWith(`${what.name}.`));
});

/** Selects a tensor by name. */
export function selectTensor(name: string): void {
  selection.value = { kind: 'tensor', name };
}
