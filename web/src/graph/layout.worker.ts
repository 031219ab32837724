/** Lays graphs out on a thread of its own, so that the page answers meanwhile. */

import { Graph, layout } from '@dagrejs/dagre';
import type { Layout, LayoutTask, Point, Rectangle } from './layout-protocol';

/** Room that a frame's title takes. */
const TITLE = 26;

self.addEventListener('message', ({ data }: MessageEvent<LayoutTask>) => {
  self.postMessage(laidOut(data));
});

/** Frames within frames, at most. */
function depthOf(frames: LayoutTask['frames']): number {
  const parents = new Map(frames.map(({ id, parent }) => [id, parent]));
  const depth = (id: string): number => (id === '' ? 0 : 1 + depth(parents.get(id) ?? ''));
  return frames.reduce((most, { id }) => Math.max(most, depth(id)), 0);
}

function laidOut({ id, boxes, frames, links }: LayoutTask): Layout {
  const graph = new Graph({ compound: frames.length > 0, multigraph: false });
  // Titles of frames within frames need room.
  const depth = depthOf(frames);
  graph.setGraph({
    rankdir: 'TB',
    ranksep: 32 + 4 * depth,
    nodesep: 26,
    edgesep: 12,
    marginx: 16,
    marginy: 16,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const frame of frames) graph.setNode(frame.id, {});
  for (const { id: name, width, height } of boxes) graph.setNode(name, { width, height });
  for (const { id: name, parent } of [...frames, ...boxes]) if (parent !== '') graph.setParent(name, parent);
  for (const { from, to } of links) graph.setEdge(from, to);
  layout(graph);
  const rectangleOf = (name: string): Rectangle => {
    const { x, y, width, height } = graph.node(name) as Rectangle;
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const withTitle = ({ x, y, width, height }: Rectangle): Rectangle => ({
    x,
    y: y - TITLE / 2,
    width,
    height: height + TITLE / 2,
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    id,
    boxes: Object.fromEntries(boxes.map((box) => [box.id, rectangleOf(box.id)])),
    frames: Object.fromEntries(frames.map((frame) => [frame.id, withTitle(rectangleOf(frame.id))])),
    links: links.map(({ from, to }) => (graph.edge(from, to) as { points?: Point[] }).points ?? []),
    width,
    height,
  };
}
