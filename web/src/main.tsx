/** Starts the page: what its address names, or what it was started for. */

import { effect } from '@preact/signals';
import { render } from 'preact';
import { faultOf } from './contract/fault';
import { attempt } from './input/open-file';
import { sourceOfLink } from './input/read-source';
import { applyAddress, followState, linkedSource, readAddress } from './state/address';
import { fault, settings, source, start, type Start } from './state/app-state';
import { refresh } from './state/load';
import { App } from './ui/app';

async function begin(): Promise<void> {
  const root = document.getElementById('app');
  if (root === null) return;
  const address = readAddress();
  render(<App />, root);
  try {
    start.value = (await (await fetch('/explorer.json')).json()) as Start;
  } catch (error) {
    fault.value = faultOf(error);
    return;
  }
  const { opened } = start.value;
  const link = linkedSource(address) ?? (opened ? { key: 'opened' as const, value: opened.name } : undefined);
  const now = start.value;
  if (link) await attempt(() => sourceOfLink(link, now));
  applyAddress(address);
  followState();
  addEventListener('hashchange', () => void follow(now));
  effect(() => {
    // Both are read here, so that a change of either asks anew.
    const asked = { source: source.value, settings: settings.value };
    if (asked.source !== undefined) void refresh();
  });
}

/** Somebody changed the address by hand, or followed a link to another. */
async function follow(now: Start): Promise<void> {
  const address = readAddress();
  const link = linkedSource(address);
  const own = source.value?.link;
  if (link && (link.key !== own?.key || link.value !== own.value))
    await attempt(() => sourceOfLink(link, now));
  applyAddress(address);
}

void begin();
