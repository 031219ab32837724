/** Finds nodes by name. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import type { Network } from '../state/network';

/** Results that are shown. */
const MOST = 12;

/** A field, and below it what it finds. */
export function NodeSearch({
  network,
  reveal,
}: {
  readonly network: Network;
  readonly reveal: (node: number) => void;
}): VNode {
  const text = useSignal('');
  const active = useSignal(0);
  const wanted = text.value.toLowerCase();
  const found =
    wanted === ''
      ? []
      : network.graph.nodes.flatMap(({ name }, index) =>
          name.toLowerCase().includes(wanted) ? [index] : [],
        );
  const shown = found.slice(0, MOST);
  const take = (node: number | undefined): void => {
    if (node === undefined) return;
    reveal(node);
    text.value = '';
  };
  return (
    <div class="search">
      <input
        type="text"
        placeholder="Find a node"
        aria-label="Find a node by name"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={shown.length > 0}
        aria-controls="found-nodes"
        {...(shown.length > 0 && { 'aria-activedescendant': `found-${active.value}` })}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          active.value = 0;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') take(shown[active.value]);
          else if (event.key === 'Escape') text.value = '';
          else if (event.key === 'ArrowDown') active.value = Math.min(shown.length - 1, active.value + 1);
          else if (event.key === 'ArrowUp') active.value = Math.max(0, active.value - 1);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="found-nodes" role="listbox" aria-label="Nodes found" hidden={shown.length === 0}>
        {shown.map((node, index) => (
          <li
            key={node}
            id={`found-${index}`}
            role="option"
            aria-selected={index === active.value}
            onPointerDown={(event) => {
              event.preventDefault();
              take(node);
            }}
          >
            {network.graph.nodes[node]?.name}
            <small>{network.graph.nodes[node]?.operation}</small>
          </li>
        ))}
        {found.length > MOST && (
          <li class="more" role="option" aria-disabled="true" aria-selected="false">
            {found.length - MOST} more
          </li>
        )}
      </ul>
    </div>
  );
}
