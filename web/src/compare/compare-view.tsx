/** Two predictions side by side, and their difference. */

import { useComputed, useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { HeatMap } from '../charts/heat-map';
import {
  models,
  network,
  selectedTensor,
  selectTensor,
  settings,
  source,
  start,
  type Settings,
} from '../state/app-state';
import { sourceOfLink } from '../input/read-source';
import { loadNetwork } from '../state/load';
import type { Network, TensorEntry } from '../state/network';
import { keyOf } from '../state/requests';
import type { Source } from '../state/source';
import { FaultNote } from '../ui/fault-note';
import { formatCount, formatNumber, formatShape } from '../ui/format';
import { useAnswer } from '../ui/use-answer';
import { cellsOf, inspect, type Cells } from '../weights/inspections';
import { matrixOf } from '../weights/region';
import { scaleOfCells } from '../weights/scale-of-cells';
import { Statistics } from '../weights/statistics';
import { differenceOf } from './difference';
import { keyOfOther, OtherNetworkPicker, type OtherNetwork } from './other-network';

/** One side of a comparison. */
interface Side {
  readonly source: Source;
  readonly settings: Settings;
  readonly network: Network;
}

/** What the other side differs in. */
type Change = 'seed' | 'lift' | 'base' | 'model' | 'network' | 'copies';

/** The start that stays ahead in a long training of a language model, and the prediction as it is. */
const LASTING = { strength: 0.3, base: 1 };
const PLAIN = { strength: 1, base: 0 };

function isPlain({ strength, base }: Settings): boolean {
  return strength === PLAIN.strength && base === PLAIN.base;
}

/** The view. */
export function CompareView(): VNode | null {
  const [now, from, how] = [network.value, source.value, settings.value];
  const change = useSignal<Change>('lift');
  const model = useSignal('');
  const chosen = useSignal<OtherNetwork | undefined>(undefined);
  const possible = useComputed(() => network.value?.plan.possibleCopies ?? []);
  // Of one network copies were chosen, and another is open.
  const kind = useComputed<Change>(() =>
    change.value === 'copies' && possible.value.length === 0 ? 'lift' : change.value,
  );
  const other = useComputed<Settings>(() => {
    const own = settings.value;
    switch (kind.value) {
      case 'seed':
        return { ...own, seed: own.seed + 1 };
      case 'lift':
        return { ...own, lift: own.lift > 0 ? 0 : 0.1 };
      case 'base':
        return { ...own, ...(isPlain(own) ? LASTING : PLAIN) };
      case 'model':
        return { ...own, model: model.value };
      case 'copies':
        return { ...own, copies: network.value?.plan.widening ? 1 : (possible.value[0] ?? 1) };
      case 'network':
        return own;
    }
  }).value;
  const answer = useAnswer(
    from ? `${keyOf(from, other)}/${kind.value}/${keyOfOther(chosen.value)}` : '',
    from &&
      (async () => {
        const otherSource = kind.value === 'network' ? ((await otherSourceOf(chosen.value)) ?? from) : from;
        return { source: otherSource, settings: other, network: await loadNetwork(otherSource, other) };
      }),
  );
  if (now === undefined || from === undefined) return null;
  const names: Readonly<Record<Change, string>> = {
    seed: `seed ${how.seed} and ${how.seed + 1}`,
    lift: how.lift > 0 ? 'with and without the lift' : 'without and with a lift of 0.1',
    base: isPlain(how)
      ? 'as it is, and 0.3 of it on a base of 1'
      : `at a strength of ${how.strength} on a base of ${how.base}, and as it is`,
    model: 'two models',
    copies: 'as copies, and as it is',
    network: 'two networks',
  };
  const offered = Object.entries(names).filter(([value]) => value !== 'copies' || possible.value.length > 0);
  return (
    <section class="compare" aria-label="Compare">
      <div class="toolbar">
        <label>
          <span>Compare</span>{' '}
          <select
            value={kind.value}
            onChange={({ currentTarget }) => (change.value = currentTarget.value as Change)}
          >
            {offered.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {kind.value === 'model' && (
          <label>
            <span>with</span>{' '}
            <select value={model.value} onChange={({ currentTarget }) => (model.value = currentTarget.value)}>
              <option value="">the server’s choice</option>
              {models.value.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {kind.value === 'network' && <OtherNetworkPicker chosen={chosen} />}
      </div>
      {answer.fault && <FaultNote fault={answer.fault} />}
      {answer.value && (
        <Comparison
          one={{ source: from, settings: how, network: now }}
          other={answer.value}
          isWaiting={answer.isWaiting}
        />
      )}
    </section>
  );
}

function Comparison({
  one,
  other,
  isWaiting,
}: {
  readonly one: Side;
  readonly other: Side;
  readonly isWaiting: boolean;
}): VNode {
  const matches = one.network.tensors.filter(
    ({ name, sent }) => sent && other.network.tensorByName.get(name)?.sent === true,
  );
  const chosen = selectedTensor.value;
  const tensor =
    matches.find(({ name }) => name === chosen?.name) ?? matches.find(({ shape }) => shape.length > 1);
  return (
    <div class={isWaiting ? 'is-waiting' : ''}>
      <SideTable one={one} other={other} matches={matches.length} />
      {tensor === undefined ? (
        <p class="empty">No tensor has the same name in both.</p>
      ) : (
        <>
          <div class="toolbar">
            <select
              class="wide"
              aria-label="Tensor"
              value={tensor.name}
              onChange={({ currentTarget }) => {
                selectTensor(currentTarget.value);
              }}
            >
              {matches.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          <Pictures tensor={tensor} one={one} other={other} />
        </>
      )}
    </div>
  );
}

/** The source of the other network; undefined: this one's. Rejects with FileFault. */
async function otherSourceOf(chosen: OtherNetwork | undefined): Promise<Source | undefined> {
  const known = start.value;
  if (chosen?.kind === 'file') return chosen.read;
  if (chosen === undefined || known === undefined) return undefined;
  return sourceOfLink({ key: 'example', value: chosen.name }, known);
}

function SideTable({ one, other, matches }: { one: Side; other: Side; matches: number }): VNode {
  const rows: readonly (readonly [string, (side: Side) => string])[] = [
    ['network', ({ source: from }) => from.name],
    ['model', ({ network: { plan } }) => plan.model],
    ['seed', ({ settings: how }) => String(how.seed)],
    ['lift', ({ settings: how }) => String(how.lift)],
    ['strength', ({ settings: how }) => String(how.strength)],
    ['base', ({ settings: how }) => String(how.base)],
    ['copies', ({ network: { plan } }) => String(plan.widening?.copies ?? 1)],
    ['parameters', ({ network: { plan } }) => formatCount(Number(plan.coverage?.parameters ?? 0n))],
    ['tensors', ({ network: { tensors } }) => formatCount(tensors.length)],
    ['fingerprint', ({ network: { plan } }) => plan.fingerprint.slice(0, 12)],
  ];
  return (
    <table class="sides">
      <caption>{formatCount(matches)} tensors have the same name in both</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">this</th>
          <th scope="col">the other</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name} class={value(one) === value(other) ? '' : 'differs'}>
            <th scope="row">{name}</th>
            <td>{value(one)}</td>
            <td>{value(other)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const LOOK = { rows: 160, columns: 200 };

function Pictures({ tensor, one, other }: { tensor: TensorEntry; one: Side; other: Side }): VNode {
  const ask = (side: Side) => () => inspect(side.source, side.settings, tensor.name, LOOK);
  const left = useAnswer(`${keyOf(one.source, one.settings)}/${tensor.name}`, ask(one));
  const right = useAnswer(`${keyOf(other.source, other.settings)}/${tensor.name}`, ask(other));
  const [own, others] = [left.value && cellsOf(left.value), right.value && cellsOf(right.value)];
  const fault = left.fault ?? right.fault;
  if (fault) return <FaultNote fault={fault} />;
  if (!own || !others || !left.value || !right.value) return <p class="empty">Looking …</p>;
  const otherShape = other.network.tensorByName.get(tensor.name)?.shape ?? tensor.shape;
  const difference = otherShape.join() === tensor.shape.join() ? differenceOf(own, others) : undefined;
  const scale = Math.max(scaleOfCells(own.means), scaleOfCells(others.means));
  const picture = (
    title: string,
    cells: Pick<Cells, 'means' | 'rows' | 'columns'>,
    outermost: number,
    shape = tensor.shape,
  ): VNode => (
    <HeatMap
      label={`${title}: heat map of ${tensor.name}`}
      values={cells.means}
      rows={cells.rows}
      columns={cells.columns}
      scale={outermost}
      aspect={aspectOf(shape)}
    />
  );
  return (
    <div class="three">
      <article class="card">
        <h2>This, of {formatShape(tensor.shape)}</h2>
        {picture('This', own, scale)}
        <Statistics of={left.value} />
      </article>
      <article class="card">
        <h2>The other, of {formatShape(otherShape)}</h2>
        {picture('The other', others, scale, otherShape)}
        <Statistics of={right.value} />
      </article>
      <article class="card">
        <h2>Difference</h2>
        {difference === undefined ? (
          <p class="quiet">Their shapes differ: there is none.</p>
        ) : (
          <>
            {picture(
              'Difference',
              { ...own, means: difference.means },
              scaleOfCells(difference.means) || scale,
            )}
            <p class="quiet">
              {difference.largest === 0
                ? 'The cells are the same in both.'
                : `Means of cells differ by up to ${formatNumber(difference.largest)}, on average ${formatNumber(difference.average)}; their cosine is ${difference.cosine.toFixed(4)}.`}
            </p>
          </>
        )}
      </article>
    </div>
  );
}

function aspectOf(shape: readonly number[]): number {
  const { rows, columns } = matrixOf(shape);
  return Math.min(3, Math.max(0.8, columns / Math.max(1, rows)));
}
