import type { GraphBuilder } from '../graph-builder';

/** `zero-centred`: the norm multiplies by 1 + weight. */
export type NormStyle = 'plain' | 'zero-centred';

export interface AddedNorm {
  /** What reads the norm reads this node. */
  readonly node: number;
  /** Adds the norm's parameter, which modules list after those of the layers around it. */
  readonly register: () => void;
}

/**
 * Adds norms of a width. What a hypernetwork predicts for a norm is what to multiply by, so a zero-centred one keeps the
 * zeros that it starts from, and is no node.
 */
export function rmsNorm(
  graph: GraphBuilder,
  style: NormStyle,
  width: number,
): (name: string, after: number) => AddedNorm {
  return (name, after) => {
    if (style === 'zero-centred') {
      return {
        node: after,
        register() {
          graph.initialized(`${name}.weight`, [width], { rule: 'zeros', standardDeviation: 0 });
        },
      };
    }
    const node = graph.rmsNormNode(name, width, [after]);
    return {
      node,
      register() {
        graph.rmsNormParameter(name, width, node);
      },
    };
  };
}
