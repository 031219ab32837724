/** How much of something comes from where, as a bar. */

import type { VNode } from 'preact';
import { ORIGIN_WORDS, type Origin } from '../state/network';
import { formatShare } from '../ui/format';
import type { Sums } from './module-tree';

const PARTS: readonly (readonly [Origin, keyof Sums])[] = [
  ['predicted', 'predicted'],
  ['tiled', 'tiled'],
  ['rule', 'initialized'],
  ['tied', 'tied'],
  ['kept', 'kept'],
];

/** The bar; its words are for screen readers and for the pointer that rests on it. */
export function CoverageBar({ sums }: { readonly sums: Sums }): VNode {
  const { elements } = sums;
  const parts = PARTS.flatMap(([origin, key]) => (sums[key] > 0 ? [{ origin, amount: sums[key] }] : []));
  const words = parts
    .map(({ origin, amount }) => `${ORIGIN_WORDS[origin]} ${formatShare(amount, elements)}`)
    .join(', ');
  return (
    <span class="coverage" role="img" aria-label={words || 'no elements'} title={words}>
      {parts.map(({ origin, amount }) => (
        <i key={origin} class={`origin-${origin}`} style={{ width: `${(100 * amount) / elements}%` }} />
      ))}
    </span>
  );
}
