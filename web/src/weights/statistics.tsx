/** The numbers of an inspection. */

import type { VNode } from 'preact';
import type { TensorInspection } from '../../../src/gen/es/logah/v1/logah_pb';
import { formatCount, formatNumber, formatShare } from '../ui/format';

/** A list of them. */
export function Statistics({ of: tensor }: { readonly of: TensorInspection }): VNode {
  const entries: readonly (readonly [string, string])[] = [
    ['mean', formatNumber(tensor.mean)],
    ['deviation', formatNumber(tensor.standardDeviation)],
    ['smallest', formatNumber(tensor.minimum)],
    ['largest', formatNumber(tensor.maximum)],
    ['zeros', tensor.zeros === 0n ? 'none' : formatShare(Number(tensor.zeros), Number(tensor.elements))],
    ['elements', formatCount(Number(tensor.elements))],
  ];
  return (
    <dl class="statistics">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
