/** Layouts from the thread that makes them; the newest task is the only one that counts. */

import type { Layout, LayoutTask } from './layout-protocol';

const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' });

let last = 0;
const waiting = new Map<number, (layout: Layout) => void>();

worker.addEventListener('message', ({ data }: MessageEvent<Layout>) => {
  waiting.get(data.id)?.(data);
  waiting.delete(data.id);
});

/** Lays out boxes, frames and links. */
export function layOut(task: Omit<LayoutTask, 'id'>): Promise<Layout> {
  return new Promise((resolve) => {
    const id = ++last;
    waiting.set(id, resolve);
    worker.postMessage({ ...task, id });
  });
}
