/** The plan: every tensor by module, where it comes from, and what it takes. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { Representation } from '../../../src/gen/es/logah/v1/logah_pb';
import { isNoisy, network, selection, settings, source } from '../state/app-state';
import { loadPlan } from '../state/load';
import type { Network } from '../state/network';
import { formatBytes, formatCount, formatShape } from '../ui/format';
import { CoverageBar } from './coverage-bar';
import { copyPlan, type CopyForm } from './copy-plan';
import { moduleTree, sumsOf, type TreeRow } from './module-tree';
import { sortedRows, type Order, type SortKey } from './sort-rows';
import type { TensorBytes } from './tensor-bytes';

/** The view. */
export function PlanView(): VNode | null {
  const now = network.value;
  return now === undefined ? null : <PlanTable network={now} />;
}

const COLUMNS: readonly { readonly key: SortKey; readonly title: string; readonly numeric: boolean }[] = [
  { key: 'name', title: 'Tensor', numeric: false },
  { key: 'shape', title: 'Shape', numeric: false },
  { key: 'origin', title: 'Comes from', numeric: false },
  { key: 'elements', title: 'Elements', numeric: true },
  { key: 'rank', title: 'Rank', numeric: true },
  { key: 'dense', title: 'Dense', numeric: true },
  { key: 'factors', title: 'Factors', numeric: true },
  { key: 'core', title: 'Core', numeric: true },
];

function PlanTable({ network: shown }: { readonly network: Network }): VNode {
  const tree = useMemo(() => moduleTree(shown.tensors), [shown]);
  const opened = useSignal<ReadonlySet<string>>(new Set());
  const order = useSignal<Order | undefined>(undefined);
  const bytes = useSignal<TensorBytes>(new Map());
  const copied = useSignal('');
  useEffect(() => {
    opened.value = firstOpened(tree);
  }, [tree]);
  useEffect(() => {
    const from = source.value;
    if (from === undefined) return;
    let isWanted = true;
    const how = settings.value;
    void Promise.all([
      // Noise has no factors; cores say what it is drawn by.
      isNoisy(how) ? undefined : loadPlan(from, how, { representation: Representation.FACTORS }),
      loadPlan(from, how, { representation: Representation.CORE }),
    ])
      .then(([factors, core]) => {
        if (!isWanted) return;
        bytes.value = new Map(
          shown.tensors.map(({ name, index, bytes: dense }) => [
            name,
            {
              dense,
              factors: Number(factors?.tensors[index]?.bytes ?? dense),
              core: Number(core.tensors[index]?.bytes ?? dense),
            },
          ]),
        );
      })
      .catch(() => undefined);
    return () => {
      isWanted = false;
    };
  }, [shown]);
  // Whatever is selected is seen, and what it lies in is open.
  const chosen = selection.value?.name;
  useEffect(() => {
    if (chosen !== undefined) opened.value = new Set([...opened.value, ...parentsOf(chosen)]);
  }, [chosen, tree]);

  const rows = sortedRows(tree, opened.value, order.value, bytes.value);
  const { plan } = shown;
  const copy = (form: CopyForm): void => {
    void copyPlan(form, shown, bytes.value).then((message) => (copied.value = message));
  };
  return (
    <section class="plan" aria-label="Plan">
      <PlanSummary network={shown} />
      {plan.warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {plan.warnings.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {plan.notes.length > 0 && (
        <details class="notes">
          <summary>{plan.notes.length} notes on how the network was read</summary>
          <ul>
            {plan.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
      <div class="toolbar">
        <div class="buttons">
          <button type="button" onClick={() => (opened.value = new Set(tree.flatMap(allPaths)))}>
            Open all
          </button>
          <button type="button" onClick={() => (opened.value = new Set())}>
            Close all
          </button>
          {order.value && (
            <button type="button" onClick={() => (order.value = undefined)}>
              As a tree
            </button>
          )}
        </div>
        <div class="buttons">
          <button
            type="button"
            onClick={() => {
              copy('csv');
            }}
          >
            Copy as CSV
          </button>
          <button
            type="button"
            onClick={() => {
              copy('json');
            }}
          >
            Copy as JSON
          </button>
          <span role="status">{copied.value}</span>
        </div>
      </div>
      <div class="table-frame" tabIndex={0} role="region" aria-label="Tensors, a table">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(({ key, title, numeric }) => {
                const direction = order.value?.key === key ? order.value.direction : undefined;
                return (
                  <th
                    key={key}
                    class={numeric ? 'number' : ''}
                    aria-sort={direction === undefined ? 'none' : direction > 0 ? 'ascending' : 'descending'}
                  >
                    <button
                      type="button"
                      onClick={() => {
                        const next =
                          direction === undefined
                            ? numeric
                              ? -1
                              : 1
                            : direction === (numeric ? -1 : 1)
                              ? numeric
                                ? 1
                                : -1
                              : 0;
                        order.value = next === 0 ? undefined : { key, direction: next };
                      }}
                    >
                      {title}
                      <span aria-hidden="true">
                        {direction === undefined ? '' : direction > 0 ? ' ▴' : ' ▾'}
                      </span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <PlanRow
                key={`${row.path}${row.tensor === undefined ? '/' : ''}`}
                row={row}
                isFlat={order.value !== undefined}
                isOpen={opened.value.has(row.path)}
                isChosen={chosen === row.path}
                bytes={bytes.value}
                toggle={() => {
                  const next = new Set(opened.value);
                  if (!next.delete(row.path)) next.add(row.path);
                  opened.value = next;
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function PlanRow({
  row,
  isFlat,
  isOpen,
  isChosen,
  bytes,
  toggle,
}: {
  row: TreeRow;
  isFlat: boolean;
  isOpen: boolean;
  isChosen: boolean;
  bytes: TensorBytes;
  toggle: () => void;
}): VNode {
  const { tensor, sums, path, label, depth, tensors } = row;
  const sizes = bytesOf(row, bytes);
  return (
    <tr class={`${isChosen ? 'is-chosen' : ''} ${tensor === undefined ? 'is-module' : ''}`}>
      <th scope="row" style={{ paddingLeft: `${isFlat ? 10 : 10 + depth * 16}px` }}>
        {tensor === undefined && (
          <button
            type="button"
            class="twist"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? 'Close' : 'Open'} ${path}`}
            onClick={toggle}
          >
            {isOpen ? '▾' : '▸'}
          </button>
        )}
        <button
          type="button"
          class="name"
          aria-pressed={isChosen}
          onClick={() => {
            selection.value = { kind: tensor === undefined ? 'module' : 'tensor', name: path };
          }}
        >
          {isFlat ? path : label}
        </button>
      </th>
      <td>{tensor === undefined ? `${tensors.length} tensors` : formatShape(tensor.shape)}</td>
      <td>
        <CoverageBar sums={sums} />
        {tensor?.tiedTo !== undefined && tensor.tiedTo !== '' && <small>tied to {tensor.tiedTo}</small>}
      </td>
      <td class="number">{formatCount(sums.elements)}</td>
      <td class="number">{tensor === undefined || tensor.rank === 0 ? '–' : tensor.rank}</td>
      {(['dense', 'factors', 'core'] as const).map((form) => (
        <td key={form} class="number">
          {sizes === undefined ? '…' : formatBytes(sizes[form])}
        </td>
      ))}
    </tr>
  );
}

function PlanSummary({ network: { plan, tensors } }: { readonly network: Network }): VNode {
  const sums = sumsOf(tensors);
  return (
    <div class="summary">
      <p>
        <strong>{formatCount(Number(plan.coverage?.parameters ?? 0n))}</strong> parameters in {tensors.length}{' '}
        tensors, predicted by <strong>{plan.model}</strong>
        {plan.widening && `, as ${plan.widening.copies} copies of a narrower network`}.
      </p>
      <CoverageBar sums={sums} />
      <p class="quiet">
        {formatBytes(Number(plan.denseBytes))} dense, {formatBytes(Number(plan.factorBytes))} as factors,{' '}
        {formatBytes(Number(plan.coreBytes))} as cores. Fingerprint{' '}
        <code>{plan.fingerprint.slice(0, 16)}</code>.
      </p>
    </div>
  );
}

function bytesOf(
  { tensors }: TreeRow,
  bytes: TensorBytes,
): { readonly dense: number; readonly factors: number; readonly core: number } | undefined {
  if (bytes.size === 0) return undefined;
  const sum = { dense: 0, factors: 0, core: 0 };
  for (const { name } of tensors) {
    const { dense = 0, factors = 0, core = 0 } = bytes.get(name) ?? {};
    sum.dense += dense;
    sum.factors += factors;
    sum.core += core;
  }
  return sum;
}

/** Rows are opened from the outermost on, as long as they are few. */
function firstOpened(tree: readonly TreeRow[]): ReadonlySet<string> {
  const opened = new Set<string>();
  let level = tree;
  let rows = tree.length;
  while (level.length > 0) {
    const next = level.flatMap((row) => {
      if (row.children.length === 0 || rows + row.children.length > 28) return [];
      rows += row.children.length;
      opened.add(row.path);
      return row.children;
    });
    level = next;
  }
  return opened;
}

function parentsOf(name: string): readonly string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

function allPaths(row: TreeRow): readonly string[] {
  return row.children.length === 0 ? [] : [row.path, ...row.children.flatMap(allPaths)];
}
