/** Which network a comparison is with: this one, an example, or a file. */

import type { Signal } from '@preact/signals';
import type { VNode } from 'preact';
import { sourceOfFile } from '../input/read-source';
import { start } from '../state/app-state';
import type { Source } from '../state/source';

/** An example by its name, a file that was read or was not; undefined: this network. */
export type OtherNetwork =
  | { readonly kind: 'example'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly read: Promise<Source> };

/** The choice. */
export function OtherNetworkPicker({ chosen }: { readonly chosen: Signal<OtherNetwork | undefined> }): VNode {
  const now = chosen.value;
  return (
    <>
      <label>
        <span>with</span>{' '}
        <select
          value={now?.kind === 'example' ? now.name : now === undefined ? '' : FILE}
          onChange={({ currentTarget: { value } }) => {
            if (value !== FILE) chosen.value = value === '' ? undefined : { kind: 'example', name: value };
          }}
        >
          <option value="">itself</option>
          {now?.kind === 'file' && <option value={FILE}>{now.name}</option>}
          {start.value?.examples.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="link-like file">
        with a file
        <input
          type="file"
          accept=".json,.onnx"
          onChange={({ currentTarget: { files } }) => {
            const file = files?.[0];
            if (file === undefined) return;
            const read = sourceOfFile(file);
            // Told where it is waited for.
            read.catch(() => undefined);
            chosen.value = { kind: 'file', name: file.name, read };
          }}
        />
      </label>
    </>
  );
}

/** An option that no example is named like. */
const FILE = '/file';

let last = 0;
const numbers = new WeakMap<OtherNetwork, number>();

/** Tells choices apart, two files of one name too. */
export function keyOfOther(chosen: OtherNetwork | undefined): string {
  if (chosen === undefined) return '';
  let number = numbers.get(chosen);
  if (number === undefined) numbers.set(chosen, (number = ++last));
  return String(number);
}
