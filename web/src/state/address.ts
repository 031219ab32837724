/** The page's address says what it shows, so that it can be sent to somebody. */

import { effect } from '@preact/signals';
import {
  DEFAULT_SETTINGS,
  openGroups,
  selection,
  settings,
  source,
  view,
  VIEWS,
  type Selection,
  type View,
} from './app-state';

/** What an address says of the source. */
export type SourceLink = NonNullable<NonNullable<typeof source.value>['link']>;

/** Longest configuration that an address holds, in characters. */
const LONGEST_CONFIG = 6000;

/** The parts of the address, as they are now. */
export function readAddress(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}

/** The source that an address names. */
export function linkedSource(parts: URLSearchParams): SourceLink | undefined {
  for (const key of ['example', 'config', 'opened'] as const) {
    const value = parts.get(key);
    if (value !== null) return { key, value };
  }
  return undefined;
}

/** Takes everything but the source from an address. */
export function applyAddress(parts: URLSearchParams): void {
  view.value = viewOf(parts.get('view'));
  selection.value = selectionOf(parts.get('select'));
  openGroups.value = parts.get('open')?.split(',').filter(Boolean) ?? undefined;
  settings.value = {
    model: parts.get('model') ?? '',
    seed: numberOf(parts, 'seed'),
    lift: numberOf(parts, 'lift'),
    strength: numberOf(parts, 'strength'),
    base: numberOf(parts, 'base'),
    copies: numberOf(parts, 'copies'),
  };
}

/** Keeps the address true from now on. */
export function followState(): void {
  effect(() => {
    const address = `#${addressOf()}`;
    if (address !== location.hash) history.replaceState(null, '', address);
  });
}

function addressOf(): string {
  const parts = new URLSearchParams();
  const link = source.value?.link;
  if (link !== undefined && link.value.length <= LONGEST_CONFIG) parts.set(link.key, link.value);
  parts.set('view', view.value);
  if (selection.value) parts.set('select', `${selection.value.kind}:${selection.value.name}`);
  const { model, ...numbers } = settings.value;
  if (model !== '') parts.set('model', model);
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== DEFAULT_SETTINGS[name as keyof typeof numbers]) parts.set(name, String(value));
  }
  if (openGroups.value) parts.set('open', openGroups.value.join(','));
  return parts.toString();
}

function viewOf(text: string | null): View {
  return VIEWS.find((known) => known === text) ?? 'graph';
}

function selectionOf(text: string | null): Selection | undefined {
  const [, kind, name] = /^(tensor|node|module):(.+)$/.exec(text ?? '') ?? [];
  return kind === undefined || name === undefined ? undefined : { kind: kind as Selection['kind'], name };
}

function numberOf(parts: URLSearchParams, name: keyof Omit<typeof DEFAULT_SETTINGS, 'model'>): number {
  const text = parts.get(name);
  const value = Number(text);
  return text !== null && Number.isFinite(value) && value >= 0 ? value : DEFAULT_SETTINGS[name];
}
