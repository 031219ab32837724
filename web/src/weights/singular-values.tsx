/** The singular values, beside those of other starts. */

import type { VNode } from 'preact';
import { LineChart } from '../charts/line-chart';
import { FaultNote } from '../ui/fault-note';
import { formatNumber } from '../ui/format';
import { useAnswer } from '../ui/use-answer';
import { inspect } from './inspections';
import { defaultStart, orthogonalStart } from './other-starts';
import type { Subject } from './subject';

const MOST = 256;

/** The card. */
export function SingularValues({ subject }: { readonly subject: Subject }): VNode | null {
  const { tensor, source, settings, network, key } = subject;
  // Kernels are matrices of their outputs; positions are none.
  const isMatrix = tensor.shape.length === 2 || tensor.shape.length > 3;
  const answer = useAnswer(
    `${key}/spectrum`,
    isMatrix ? () => inspect(source, settings, tensor.name, { singularValues: MOST }) : undefined,
  );
  if (!isMatrix) return null;
  const spectrum = answer.value?.spectrum;
  const values = spectrum?.values.filter((value) => value > (spectrum.values[0] ?? 0) * 1e-7) ?? [];
  const starts = [
    { ...defaultStart(tensor, network.graph.initializerRange), className: 'line-other' },
    { ...orthogonalStart(tensor), className: 'line-third' },
  ];
  const count = Math.max(2, values.length);
  return (
    <article class={`card ${answer.isWaiting ? 'is-waiting' : ''}`} aria-busy={answer.isWaiting}>
      <header>
        <h3>Singular values</h3>
      </header>
      {answer.fault && <FaultNote fault={answer.fault} />}
      {answer.value && spectrum === undefined && (
        <p class="quiet">They do not follow from factors of low rank here.</p>
      )}
      {spectrum && values.length > 0 && (
        <>
          <LineChart
            label={`Singular values of ${tensor.name}`}
            isLog
            lines={[
              ...starts.map((start) => ({
                name: start.name,
                className: start.className,
                points: start.spectrum(count).map((value, index) => [index + 1, value] as const),
              })),
              {
                name: 'predicted',
                className: 'line-own',
                points: values.map((value, index) => [index + 1, value] as const),
              },
            ]}
            xLabel="index"
          />
          <p class="quiet">
            {values.length} are other than 0; the largest is {formatNumber(values[0] ?? 0)} and has{' '}
            {((100 * (values[0] ?? 0) ** 2) / spectrum.squares).toFixed(1)} % of the squares; stable rank{' '}
            {formatNumber(spectrum.squares / (values[0] ?? 1) ** 2)}.
          </p>
        </>
      )}
    </article>
  );
}
