/** How the elements are distributed, beside those of another start. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import type { Histogram } from '../../../src/gen/es/logah/v1/logah_pb';
import { LineChart, type Line } from '../charts/line-chart';
import { models } from '../state/app-state';
import { FaultNote } from '../ui/fault-note';
import { formatNumber } from '../ui/format';
import { useAnswer } from '../ui/use-answer';
import { inspect } from './inspections';
import { defaultStart, orthogonalStart, type KnownStart } from './other-starts';
import type { Subject } from './subject';

const BINS = 80;
const POINTS = 160;

/** The card. */
export function Distribution({ subject }: { readonly subject: Subject }): VNode {
  const { tensor, source, settings, network, key } = subject;
  const beside = useSignal('default');
  const own = useAnswer(`${key}/bins`, () => inspect(source, settings, tensor.name, { bins: BINS }));
  const histogram = own.value?.histogram;
  const [kind = '', value = ''] = beside.value.split('=');
  const other =
    kind === 'seed'
      ? { ...settings, seed: settings.seed + 1 }
      : kind === 'model'
        ? { ...settings, model: value }
        : undefined;
  const answer = useAnswer(
    `${key}/bins/${beside.value}/${histogram?.low ?? ''}`,
    other && histogram && histogram.low < histogram.high
      ? () => inspect(source, other, tensor.name, { bins: BINS, low: histogram.low, high: histogram.high })
      : undefined,
  );
  const start = knownStart(subject, kind);
  const otherModels = models.value.filter(({ name }) => name !== network.plan.model);
  return (
    <article class={`card ${own.isWaiting ? 'is-waiting' : ''}`} aria-busy={own.isWaiting}>
      <header>
        <h3>Distribution</h3>
        <label>
          beside{' '}
          <select value={beside.value} onChange={({ currentTarget }) => (beside.value = currentTarget.value)}>
            <option value="">nothing</option>
            <option value="default">default start</option>
            {tensor.shape.length > 1 && <option value="orthogonal">orthogonal start</option>}
            <option value="seed">seed {settings.seed + 1}</option>
            {otherModels.map(({ name }) => (
              <option key={name} value={`model=${name}`}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {own.fault && <FaultNote fault={own.fault} />}
      {answer.fault && <FaultNote fault={answer.fault} />}
      {histogram && (
        <LineChart
          label={`Histogram of ${tensor.name}`}
          bars={{
            name: 'predicted',
            low: histogram.low,
            high: histogram.high > histogram.low ? histogram.high : histogram.low + 1,
            heights: histogram.counts.map(Number),
          }}
          lines={linesBeside(subject, kind, histogram, answer.value?.histogram)}
          xLabel="value of an element"
        />
      )}
      {start && own.value && (
        <p class="quiet">
          The deviation is {formatNumber(own.value.standardDeviation)}; of the {beside.value} start it is{' '}
          {formatNumber(start.deviation)}.
        </p>
      )}
    </article>
  );
}

/** A start whose distribution is known without its weights; of vectors, which start as ones or zeros, there is no curve. */
function knownStart({ tensor, network }: Subject, kind: string): KnownStart | undefined {
  if (tensor.shape.length < 2) return undefined;
  if (kind === 'orthogonal') return orthogonalStart(tensor);
  return kind === 'default' ? defaultStart(tensor, network.graph.initializerRange) : undefined;
}

function linesBeside(
  subject: Subject,
  kind: string,
  own: Histogram,
  other: Histogram | undefined,
): readonly Line[] {
  if (kind === 'seed' || kind === 'model') {
    if (other === undefined) return [];
    const width = (other.high - other.low) / other.counts.length;
    const points = other.counts.map(
      (count, bin) => [other.low + (bin + 0.5) * width, Number(count)] as const,
    );
    return [
      { name: kind === 'seed' ? 'the other seed' : 'the other model', className: 'line-other', points },
    ];
  }
  const start = knownStart(subject, kind);
  if (start === undefined || own.high <= own.low) return [];
  const perBin = (subject.tensor.elements * (own.high - own.low)) / own.counts.length;
  const points = Array.from({ length: POINTS + 1 }, (_, index) => {
    const x = own.low + ((own.high - own.low) * index) / POINTS;
    return [x, start.density(x) * perBin] as const;
  });
  return [{ name: start.name, className: 'line-other', points }];
}
