/** The weights of the selected tensor. */

import type { VNode } from 'preact';
import { network, selectedTensor, settings, source } from '../state/app-state';
import type { Network, TensorEntry } from '../state/network';
import { keyOf } from '../state/requests';
import { DottedName } from '../ui/dotted-name';
import { formatCount, formatShape } from '../ui/format';
import { CosineMatrix } from './cosine-matrix';
import { Distribution } from './distribution';
import { Elements } from './elements';
import { SingularValues } from './singular-values';
import { TensorPicker } from './tensor-picker';

/** The view. */
export function WeightsView(): VNode | null {
  const [now, from, how] = [network.value, source.value, settings.value];
  if (now === undefined || from === undefined) return null;
  const given = selectedTensor.value ?? largestPredicted(now);
  const tensor = given?.origin === 'tied' ? (now.tensorByName.get(given.tiedTo) ?? given) : given;
  if (tensor === undefined) return <p class="empty">This network has no tensors.</p>;
  const subject = {
    network: now,
    source: from,
    settings: how,
    tensor,
    key: `${keyOf(from, how)}/${tensor.name}`,
  };
  return (
    <section class="weights" aria-label="Weights">
      <TensorPicker network={now} tensor={tensor} />
      <header>
        <h2>
          <DottedName name={tensor.name} />
        </h2>
        <p class="quiet">
          {formatShape(tensor.shape)}, {formatCount(tensor.elements)} elements
          {tensor.rank > 0 && `, rank at most ${tensor.rank}`}
          {given !== tensor && `, shared by ${given?.name ?? ''}`}
        </p>
      </header>
      {tensor.sent ? (
        <div class="cards">
          <div class="column">
            <Elements key={tensor.name} subject={subject} />
            <CosineMatrix subject={subject} />
          </div>
          <div class="column">
            <Distribution subject={subject} />
            <SingularValues subject={subject} />
          </div>
        </div>
      ) : (
        <p class="empty">The caller keeps its own values of this tensor: there is nothing to look at.</p>
      )}
    </section>
  );
}

function largestPredicted({ tensors }: Network): TensorEntry | undefined {
  const sent = tensors.filter((tensor) => tensor.sent && tensor.shape.length === 2);
  return sent.find(({ predicted }) => predicted > 0) ?? sent[0] ?? tensors[0];
}
