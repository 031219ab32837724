/** What is selected, in short: beside the graph and the plan. */

import type { VNode } from 'preact';
import { HeatMap } from '../charts/heat-map';
import { LineChart } from '../charts/line-chart';
import { network, selectedTensor, selection, settings, source, view } from '../state/app-state';
import type { Network, TensorEntry } from '../state/network';
import { ORIGIN_WORDS } from '../state/network';
import { keyOf } from '../state/requests';
import { CoverageBar } from '../plan/coverage-bar';
import { sumsOf } from '../plan/module-tree';
import { cellsOf, inspect } from '../weights/inspections';
import { matrixOf } from '../weights/region';
import { scaleOfCells } from '../weights/scale-of-cells';
import { Statistics } from '../weights/statistics';
import { DottedName } from './dotted-name';
import { FaultNote } from './fault-note';
import { formatBytes, formatCount, formatShape } from './format';
import { useAnswer } from './use-answer';

/** The panel. */
export function SelectionPanel(): VNode | null {
  const now = network.value;
  if (now === undefined) return null;
  const tensor = selectedTensor.value;
  const what = selection.value;
  return (
    <aside class="panel" aria-label="Selection">
      {what === undefined && <NothingSelected network={now} />}
      {what?.kind === 'module' && <ModuleSelected name={what.name} network={now} />}
      {what?.kind !== 'module' && tensor !== undefined && <TensorSelected tensor={tensor} network={now} />}
      {what?.kind === 'node' && tensor === undefined && <NodeSelected name={what.name} network={now} />}
    </aside>
  );
}

function NothingSelected({ network: { plan, graph, tensors } }: { readonly network: Network }): VNode {
  return (
    <>
      <h2>{graph.name || 'Network'}</h2>
      <CoverageBar sums={sumsOf(tensors)} />
      <dl class="facts">
        <Fact name="parameters" value={formatCount(Number(plan.coverage?.parameters ?? 0n))} />
        <Fact name="tensors" value={formatCount(tensors.length)} />
        <Fact name="nodes" value={formatCount(graph.nodes.length)} />
        <Fact name="family" value={plan.family || 'none'} />
        <Fact name="model" value={plan.model} />
        <Fact
          name="size"
          value={`${formatBytes(Number(plan.denseBytes))}, ${formatBytes(Number(plan.coreBytes))} as cores`}
        />
      </dl>
      {plan.warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {plan.warnings.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <p class="quiet">Press a box of the graph or a row of the plan to see its weights.</p>
    </>
  );
}

function ModuleSelected({
  name,
  network: { tensors },
}: {
  readonly name: string;
  readonly network: Network;
}): VNode {
  const own = tensors.filter((tensor) => tensor.name.startsWith(`${name}.`));
  const sums = sumsOf(own);
  return (
    <>
      <h2>
        <DottedName name={name} />
      </h2>
      <CoverageBar sums={sums} />
      <dl class="facts">
        <Fact name="tensors" value={formatCount(own.length)} />
        <Fact name="elements" value={formatCount(sums.elements)} />
        <Fact name="predicted" value={formatCount(sums.predicted)} />
        <Fact name="tiled" value={formatCount(sums.tiled)} />
        <Fact name="by rule" value={formatCount(sums.initialized)} />
      </dl>
    </>
  );
}

function NodeSelected({
  name,
  network: { graph },
}: {
  readonly name: string;
  readonly network: Network;
}): VNode {
  const node = graph.nodes.find((other) => other.name === name);
  return (
    <>
      <h2>
        <DottedName name={name} />
      </h2>
      <dl class="facts">
        <Fact name="operation" value={node?.operation ?? '–'} />
        {node && node.shape.length > 0 && <Fact name="shape" value={formatShape(node.shape.map(Number))} />}
      </dl>
      <p class="quiet">This operation has no parameters.</p>
    </>
  );
}

function TensorSelected({
  tensor,
  network: shown,
}: {
  readonly tensor: TensorEntry;
  readonly network: Network;
}): VNode {
  const { name, shape, origin, rank, elements, nodes, tiedTo } = tensor;
  const siblings = nodes
    .flatMap((node) => shown.tensorsOfNode[node] ?? [])
    .filter((other) => other !== tensor);
  return (
    <>
      <h2>
        <DottedName name={name} />
      </h2>
      <CoverageBar sums={sumsOf([tensor])} />
      <dl class="facts">
        <Fact name="shape" value={formatShape(shape)} />
        <Fact name="elements" value={formatCount(elements)} />
        <Fact name="comes from" value={tiedTo === '' ? ORIGIN_WORDS[origin] : `tied to ${tiedTo}`} />
        {rank > 0 && <Fact name="rank" value={String(rank)} />}
        {nodes.length > 0 && (
          <Fact
            name="node"
            value={nodes
              .map(
                (node) =>
                  `${shown.graph.nodes[node]?.name ?? ''} (${shown.graph.nodes[node]?.operation ?? ''})`,
              )
              .join(', ')}
          />
        )}
      </dl>
      {tensor.sent && <Glance tensor={tensor} />}
      <div class="buttons">
        <button type="button" class="main" onClick={() => (view.value = 'weights')}>
          Look closer
        </button>
      </div>
      {siblings.length > 0 && (
        <>
          <h3>From the same node</h3>
          <ul class="siblings">
            {siblings.map((other) => (
              <li key={other.name}>
                <button
                  type="button"
                  class="link-like"
                  onClick={() => (selection.value = { kind: 'tensor', name: other.name })}
                >
                  {other.name}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const GLANCE = { rows: 96, columns: 128 };

function Glance({ tensor }: { readonly tensor: TensorEntry }): VNode | null {
  const [from, how] = [source.value, settings.value];
  const { rows, columns } = matrixOf(tensor.shape);
  const look = rows === 1 ? { rows: 1, columns: 256 } : GLANCE;
  const answer = useAnswer(
    from ? `${keyOf(from, how)}/${tensor.name}` : '',
    from && (() => inspect(from, how, tensor.name, look)),
  );
  if (answer.fault) return <FaultNote fault={answer.fault} />;
  const cells = answer.value?.name === tensor.name ? cellsOf(answer.value) : undefined;
  if (answer.value === undefined || cells === undefined)
    return <div class="glance is-waiting" aria-busy="true" />;
  const scale = scaleOfCells(cells.means);
  return (
    <div class="glance">
      {rows === 1 ? (
        <LineChart
          label={`Elements of ${tensor.name}`}
          lines={[
            {
              name: 'by index',
              className: 'line-own',
              points: Array.from(cells.means, (mean, at) => [at * (columns / cells.columns), mean] as const),
            },
          ]}
        />
      ) : (
        <HeatMap
          label={`Small heat map of ${tensor.name}`}
          values={cells.means}
          rows={cells.rows}
          columns={cells.columns}
          scale={scale}
          aspect={Math.min(3, Math.max(1, columns / rows))}
        />
      )}
      <Statistics of={answer.value} />
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
