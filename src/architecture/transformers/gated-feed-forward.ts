import type { GraphBuilder } from './graph-builder';

/** A feed-forward layer with a gate, in one of the forms that decoders have. */
export type FeedForward =
  | { readonly kind: 'gated'; readonly hidden: number; readonly bias: boolean }
  /** Gate and up are the halves of one matrix. */
  | { readonly kind: 'fused'; readonly hidden: number; readonly bias: boolean }
  | ExpertLayer;

/** A router, and experts of which each is such a layer. */
export interface ExpertLayer {
  readonly kind: 'experts';
  readonly experts: number;
  readonly hidden: number;
  /** Whether the module lists its router before its experts. */
  readonly routerFirst: boolean;
}

/** Adds the layer; returns its last node. */
export function feedForward(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  layer: FeedForward,
  after: number,
): number {
  switch (layer.kind) {
    case 'gated': {
      const { hidden, bias } = layer;
      // Gate and up look alike to the hypernetwork, as query, key and value do.
      const halves = ['gate', 'up'].map((part, slot) =>
        graph.linear(`${prefix}.${part}_proj`, hidden, width, [after], { bias, slot }),
      );
      const product = graph.node(`${prefix}.gate`, 'gate', [], halves);
      return graph.linear(`${prefix}.down_proj`, width, hidden, [product], { bias });
    }
    case 'fused': {
      const { hidden, bias } = layer;
      const both = graph.linear(`${prefix}.gate_up_proj`, 2 * hidden, width, [after], { bias });
      return graph.linear(`${prefix}.down_proj`, width, hidden, [both], { bias });
    }
    case 'experts':
      return expertLayer(graph, prefix, width, layer, after);
  }
}

/** The experts, all of the same values in the beginning, are one node for each of their matrices. */
function expertLayer(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  { experts, hidden, routerFirst }: ExpertLayer,
  after: number,
): number {
  const first = graph.keepPlace();
  const own = `${prefix}.experts`;
  const addRouter = (): number => graph.linear(`${prefix}.gate`, experts, width, [after], { bias: false });
  const router = routerFirst ? graph.at(first, addRouter) : addRouter();
  const addExperts = (): number => {
    const up = graph.repeatedMatrix(`${own}.gate_up_proj`, experts, [2 * hidden, width], after);
    return graph.repeatedMatrix(`${own}.down_proj`, experts, [width, hidden], up);
  };
  const down = routerFirst ? addExperts() : graph.at(first, addExperts);
  return graph.node(`${own}.gate`, 'gate', [], [down, router]);
}
