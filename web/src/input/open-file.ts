/** Opens what a visitor gives; what cannot be read is told on the page. */

import { faultOf } from '../contract/fault';
import { fault, network, openGroups, selection, source } from '../state/app-state';
import type { Source } from '../state/source';
import { sourceOfFile } from './read-source';

/** Shows a source, from its beginning. */
export function show(next: Source): void {
  selection.value = undefined;
  openGroups.value = undefined;
  network.value = undefined;
  fault.value = undefined;
  source.value = next;
}

/** Opens one of the files given. */
export async function openFiles(files: FileList | null | undefined): Promise<void> {
  const file = files?.[0];
  if (file === undefined) return;
  await attempt(() => sourceOfFile(file));
}

/** Shows what `read` resolves with, or why it does not. */
export async function attempt(read: () => Promise<Source>): Promise<void> {
  try {
    show(await read());
  } catch (error) {
    fault.value = faultOf(error);
  }
}
