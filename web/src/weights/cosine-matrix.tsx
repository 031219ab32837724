/** Are all layers the same layer? The cosine of each with each. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { HeatMap, type Cell } from '../charts/heat-map';
import { selectTensor } from '../state/app-state';
import { FaultNote } from '../ui/fault-note';
import { useAnswer } from '../ui/use-answer';
import { cosines, peersOf } from './similarity';
import type { Subject } from './subject';

/** The card; nothing where no other tensor plays the same part. */
export function CosineMatrix({ subject }: { readonly subject: Subject }): VNode | null {
  const { network, tensor, source, settings, key } = subject;
  const hovered = useSignal<Cell | undefined>(undefined);
  const peers = peersOf(network, tensor);
  const isAlone = peers.length < 2;
  const group = `${key.slice(0, key.lastIndexOf('/'))}/${peers[0]?.name ?? ''}`;
  const answer = useAnswer(group, isAlone ? undefined : () => cosines(source, settings, peers));
  if (isAlone) return null;
  const values = answer.value?.length === peers.length ** 2 ? answer.value : undefined;
  const at = hovered.value;
  const numberOf = (index: number): string =>
    layerNumber(
      peers.map(({ name }) => name),
      index,
    );
  return (
    <article class={`card cosines ${answer.isWaiting ? 'is-waiting' : ''}`} aria-busy={answer.isWaiting}>
      <header>
        <h3>Cosines between {peers.length} layers</h3>
      </header>
      {answer.fault && <FaultNote fault={answer.fault} />}
      {values && (
        <>
          <HeatMap
            label={`Cosines between ${peers.length} tensors like ${tensor.name}; the table below has the same numbers`}
            values={values}
            rows={peers.length}
            columns={peers.length}
            scale={1}
            aspect={1}
            onHover={(cell) => (hovered.value = cell)}
            onPick={({ row }) => {
              const peer = peers[row];
              if (peer) selectTensor(peer.name);
            }}
          />
          <p class="quiet hover">
            {at
              ? `layers ${numberOf(at.row)} and ${numberOf(at.column)}: ${(values[at.row * peers.length + at.column] ?? 0).toFixed(4)}`
              : summaryOf(values, peers.length)}
          </p>
          <details class="cell-table">
            <summary>As a table</summary>
            <table>
              <caption>Cosines between tensors of equal shape</caption>
              <thead>
                <tr>
                  <th scope="col">layer</th>
                  {peers.map(({ name }, index) => (
                    <th scope="col" key={name}>
                      {numberOf(index)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {peers.map(({ name }, row) => (
                  <tr key={name}>
                    <th scope="row">{numberOf(row)}</th>
                    {peers.map((other, column) => (
                      <td key={other.name}>{(values[row * peers.length + column] ?? 0).toFixed(3)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </>
      )}
    </article>
  );
}

function summaryOf(values: Float32Array, count: number): string {
  const others = [...values].filter((_, index) => index % count !== Math.floor(index / count));
  const mean = others.reduce((sum, value) => sum + value, 0) / others.length;
  return `between different layers ${Math.min(...others).toFixed(3)} to ${Math.max(...others).toFixed(3)}, on average ${mean.toFixed(3)}`;
}

/** The number in a name that differs between the names. */
function layerNumber(names: readonly string[], index: number): string {
  const numbers = names.map((name) => name.match(/\d+/g) ?? []);
  const place = numbers[0]?.findIndex((number, at) => numbers.some((other) => other[at] !== number)) ?? 0;
  return numbers[index]?.[place] ?? String(index);
}
