/** The graph: boxes that open, links between them, and what is selected. */

import { useComputed, useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { network, openGroups, selectedTensor, selection } from '../state/app-state';
import type { Network } from '../state/network';
import { ORIGIN_WORDS } from '../state/network';
import { boxContent, type BoxContent, type ColourBy } from './box-content';
import { OPERATION_LEGEND } from './colours';
import { cutOf, firstOpen, pathTo, withOpened, type Cut } from './cut';
import { hierarchyOf, type Group } from './hierarchy';
import { layOut } from './layout';
import type { Layout, Point } from './layout-protocol';
import { NodeSearch } from './node-search';
import { fitting, revealing, useViewport } from './viewport';

/** The scale below which boxes cannot be read. */
const READABLE = 0.72;

/** The view. */
export function GraphView(): VNode | null {
  const now = network.value;
  return now === undefined ? null : <Graph network={now} />;
}

interface Drawn {
  readonly cut: Cut;
  readonly layout: Layout;
  readonly contents: ReadonlyMap<string, BoxContent>;
}

function Graph({ network: shown }: { readonly network: Network }): VNode {
  const colourBy = useSignal<ColourBy>('operation');
  const root = useMemo(() => hierarchyOf(shown.graph), [shown]);
  const open = openGroups.value ?? firstOpen(root);
  const [drawn, setDrawn] = useState<Drawn | undefined>(undefined);
  const { viewport, setViewport, zoomBy, handlers } = useViewport();
  const frame = useRef<HTMLDivElement>(null);
  const fitted = useRef<Group | undefined>(undefined);
  const by = colourBy.value;

  /** What was pressed last: it stays where it is, and keeps the keyboard. */
  const pressed = useRef<string | undefined>(undefined);

  const fit = (layout: Layout, least?: number): void => {
    const { clientWidth: width = 600, clientHeight: height = 400 } = frame.current ?? {};
    setViewport(
      fitting({ x: 0, y: 0, width: layout.width, height: layout.height }, { width, height }, least),
    );
  };
  const keepInPlace = (path: string, before: Layout, after: Layout): void => {
    const [from, to] = [placeIn(before, path), placeIn(after, path)];
    if (from === undefined || to === undefined) return;
    setViewport(({ scale, x, y }) => ({
      scale,
      x: x + (from.x - to.x) * scale,
      y: y + (from.y - to.y) * scale,
    }));
  };

  useEffect(() => {
    const cut = cutOf(root, new Set(open), shown.graph);
    const contents = new Map(cut.boxes.map(({ group }) => [group.path, boxContent(group, shown, by)]));
    let isWanted = true;
    void layOut({
      boxes: cut.boxes.map(({ group, parent }) => {
        const { width = 80, height = 40 } = contents.get(group.path) ?? {};
        return { id: group.path, parent, width, height };
      }),
      frames: cut.frames.map(({ group, parent }) => ({ id: group.path, parent })),
      links: cut.links,
    }).then((layout) => {
      if (!isWanted) return;
      const path = pressed.current;
      setDrawn((before) => {
        if (path !== undefined && before !== undefined) keepInPlace(path, before.layout, layout);
        return { cut, layout, contents };
      });
      if (fitted.current !== root) fit(layout, READABLE);
      fitted.current = root;
    });
    return () => {
      isWanted = false;
    };
  }, [root, open.join('\n'), by]);

  useLayoutEffect(() => {
    const path = pressed.current;
    pressed.current = undefined;
    if (path === undefined) return;
    frame.current?.querySelector<SVGElement>(`[data-box="${CSS.escape(path)}"]`)?.focus();
  }, [drawn]);

  /** What the keyboard comes to is moved into sight. */
  const showFocused = (target: EventTarget | null): void => {
    const element = target instanceof Element ? target.closest<SVGElement>('[data-box]') : null;
    const path = element?.dataset.box;
    if (!element?.matches(':focus-visible') || path === undefined || drawn === undefined) return;
    const place = drawn.layout.boxes[path] ?? drawn.layout.frames[path];
    const { clientWidth: width = 600, clientHeight: height = 400 } = frame.current ?? {};
    if (place) setViewport((now) => revealing(now, place, { width, height }));
  };

  const chosen = useComputed(() => new Set(selectedNodes(shown))).value;
  const toggle = (group: Group): void => {
    pressed.current = group.path;
    openGroups.value = open.includes(group.path)
      ? open.filter((path) => path !== group.path)
      : withOpened(root, open, group.path, shown.graph);
  };
  const choose = (group: Group): void => {
    if (group.children.length > 0) {
      toggle(group);
      return;
    }
    const [node] = group.nodes;
    const name = node === undefined ? undefined : shown.graph.nodes[node]?.name;
    const tensor = node === undefined ? undefined : shown.tensorsOfNode[node]?.[0];
    if (tensor !== undefined) selection.value = { kind: 'tensor', name: tensor.name };
    else if (name !== undefined) selection.value = { kind: 'node', name };
  };
  /** Opens what a node lies in, and selects it. */
  const reveal = (node: number): void => {
    let opened: readonly string[] = open;
    for (const group of pathTo(root, node).slice(0, -1))
      opened = withOpened(root, opened, group.path, shown.graph);
    openGroups.value = opened;
    const tensor = shown.tensorsOfNode[node]?.[0];
    const name = shown.graph.nodes[node]?.name ?? '';
    selection.value = tensor === undefined ? { kind: 'node', name } : { kind: 'tensor', name: tensor.name };
  };

  return (
    <section class="graph" aria-label="Graph">
      <div class="toolbar">
        <NodeSearch network={shown} reveal={reveal} />
        <fieldset class="choice">
          <legend class="unseen">Colours</legend>
          {(['operation', 'origin'] as const).map((value) => (
            <label key={value}>
              <input
                type="radio"
                name="colour-by"
                checked={by === value}
                onChange={() => (colourBy.value = value)}
              />
              <span>by {value}</span>
            </label>
          ))}
        </fieldset>
        <div class="buttons">
          <button
            type="button"
            aria-label="Smaller"
            onClick={() => {
              zoomBy(0.8);
            }}
          >
            −
          </button>
          <button
            type="button"
            aria-label="Larger"
            onClick={() => {
              zoomBy(1.25);
            }}
          >
            +
          </button>
          <button
            type="button"
            onClick={() => {
              if (drawn) fit(drawn.layout);
            }}
          >
            Fit
          </button>
          <button type="button" onClick={() => (openGroups.value = [])}>
            Close all
          </button>
        </div>
      </div>
      <div
        class="canvas"
        ref={frame}
        {...handlers}
        onFocusIn={({ target }) => {
          showFocused(target);
        }}
      >
        {drawn && (
          <svg
            class="drawing"
            role="group"
            aria-label={`Graph of ${shown.graph.nodes.length} nodes`}
            data-boxes={drawn.cut.boxes.length}
          >
            <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.scale})`}>
              {drawn.cut.frames.map(({ group }) => (
                <FrameBox
                  key={group.path}
                  group={group}
                  layout={drawn.layout}
                  close={() => {
                    toggle(group);
                  }}
                />
              ))}
              {drawn.cut.links.map(({ from, to, count }, index) => (
                <path key={`${from}>${to}`} class="link" d={curve(drawn.layout.links[index] ?? [])}>
                  <title>{count === 1 ? 'one edge' : `${count} edges`}</title>
                </path>
              ))}
              {drawn.cut.boxes.map(({ group }) => (
                <GraphBox
                  key={group.path}
                  group={group}
                  content={drawn.contents.get(group.path)}
                  layout={drawn.layout}
                  isChosen={group.nodes.some((node) => chosen.has(node))}
                  choose={() => {
                    choose(group);
                  }}
                />
              ))}
            </g>
          </svg>
        )}
        <Legend by={by} />
      </div>
    </section>
  );
}

function selectedNodes(shown: Network): readonly number[] {
  const what = selection.value;
  if (what === undefined) return [];
  if (what.kind === 'node') return [shown.graph.nodes.findIndex(({ name }) => name === what.name)];
  if (what.kind === 'module') {
    return shown.tensors.filter(({ name }) => name.startsWith(`${what.name}.`)).flatMap(({ nodes }) => nodes);
  }
  return selectedTensor.value?.nodes ?? [];
}

function FrameBox({
  group,
  layout,
  close,
}: {
  group: Group;
  layout: Layout;
  close: () => void;
}): VNode | null {
  const place = layout.frames[group.path];
  if (place === undefined) return null;
  return (
    <g class="frame" transform={`translate(${place.x} ${place.y})`}>
      <rect width={place.width} height={place.height} rx="10" />
      <g
        class="frame-title"
        data-box={group.path}
        role="button"
        tabindex={0}
        aria-expanded="true"
        aria-label={`Close ${group.label}`}
        onClick={close}
        onKeyDown={onPress(close)}
      >
        <rect class="hit" width={place.width} height="22" rx="10" />
        <text x="12" y="16">
          <tspan class="sign" aria-hidden="true">
            ▾{' '}
          </tspan>
          {group.label}
        </text>
      </g>
    </g>
  );
}

function GraphBox({
  group,
  content,
  layout,
  isChosen,
  choose,
}: {
  group: Group;
  content: BoxContent | undefined;
  layout: Layout;
  isChosen: boolean;
  choose: () => void;
}): VNode | null {
  const place = layout.boxes[group.path];
  if (place === undefined || content === undefined) return null;
  const isGroup = group.children.length > 0;
  let at = 0;
  return (
    <g
      class={`box ${isGroup ? 'is-group' : ''} ${isChosen ? 'is-chosen' : ''}`}
      transform={`translate(${place.x} ${place.y})`}
      data-box={group.path}
      role="button"
      tabindex={0}
      {...(isGroup ? { 'aria-expanded': 'false' as const } : { 'aria-pressed': isChosen })}
      onClick={choose}
      onKeyDown={onPress(choose)}
    >
      {group.kind === 'stack' && (
        <rect class="behind" x="5" y="-5" width={place.width} height={place.height} rx="7" />
      )}
      <rect class="face" width={place.width} height={place.height} rx="7" />
      {content.stripe.map(({ name, share }) => {
        const top = 4 + at * (place.height - 8);
        at += share;
        return (
          <rect
            key={name}
            class={`stripe ${name}`}
            x="4"
            y={top}
            width="5"
            height={share * (place.height - 8)}
          />
        );
      })}
      <text class="title" x="16" y={content.detail === '' ? place.height / 2 + 4 : 19}>
        {isGroup && (
          <tspan class="sign" aria-hidden="true">
            ▸{' '}
          </tspan>
        )}
        {content.title}
      </text>
      <text class="detail" x="16" y="36">
        {content.detail}
      </text>
    </g>
  );
}

function Legend({ by }: { readonly by: ColourBy }): VNode {
  const entries =
    by === 'operation'
      ? OPERATION_LEGEND
      : Object.entries(ORIGIN_WORDS).map(([origin, words]) => [`origin-${origin}`, words] as const);
  return (
    <ul class="legend" aria-label="Colours">
      {entries.map(([name, words]) => (
        <li key={name}>
          <i class={`swatch ${name}`} />
          {words}
        </li>
      ))}
    </ul>
  );
}

function onPress(act: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    act();
  };
}

/** Where a group begins, be it a box or a frame: the middle of its upper edge. */
function placeIn({ boxes, frames }: Layout, path: string): Point | undefined {
  const place = boxes[path] ?? frames[path];
  return place && { x: place.x + place.width / 2, y: place.y };
}

/** A smooth line through the points. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${first.x} ${first.y}`;
  for (const [index, point] of rest.entries()) {
    const next = rest[index + 1];
    if (next === undefined) path += `L${point.x} ${point.y}`;
    else path += `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  }
  return path;
}
