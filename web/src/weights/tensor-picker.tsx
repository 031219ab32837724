/** Steps from tensor to tensor. */

import type { VNode } from 'preact';
import { selectTensor } from '../state/app-state';
import type { Network, TensorEntry } from '../state/network';

/** A list of all tensors, and buttons to the ones beside this. */
export function TensorPicker({
  network,
  tensor,
}: {
  readonly network: Network;
  readonly tensor: TensorEntry;
}): VNode {
  const step = (by: number): void => {
    const next = network.tensors[(tensor.index + by + network.tensors.length) % network.tensors.length];
    if (next) selectTensor(next.name);
  };
  return (
    <div class="toolbar">
      <div class="buttons">
        <button
          type="button"
          aria-label="Previous tensor"
          onClick={() => {
            step(-1);
          }}
        >
          ◂
        </button>
        <button
          type="button"
          aria-label="Next tensor"
          onClick={() => {
            step(1);
          }}
        >
          ▸
        </button>
      </div>
      <select
        class="wide"
        aria-label="Tensor"
        value={tensor.name}
        onChange={({ currentTarget }) => {
          selectTensor(currentTarget.value);
        }}
      >
        {network.tensors.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
