import type { GraphBuilder } from '../graph-builder';
import { rmsNorm, type NormStyle } from './rms-norm';

export interface AttentionSizes {
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
}

export interface AttentionOptions {
  readonly bias: boolean;
  readonly outputBias: boolean;
  /** Of the norms of each head's queries and keys; undefined: there are none. */
  readonly headNorms: NormStyle | undefined;
  /** Whether one matrix has queries, keys and values. */
  readonly fused: boolean;
}

/** Grouped queries with rotary embeddings; returns the node of the output projection. */
export function gatedAttention(
  graph: GraphBuilder,
  prefix: string,
  sizes: AttentionSizes,
  after: number,
  options: AttentionOptions,
): number {
  const { width, headSize } = sizes;
  const queries = sizes.heads * headSize;
  const keys = sizes.keyValueHeads * headSize;
  const output = options.fused ? graph.keepPlace() : undefined;
  const { query, key, value, register } = options.fused
    ? fusedProjection(graph, `${prefix}.qkv_proj`, [queries, keys, keys], width, after)
    : projections(graph, prefix, sizes, after, options);
  const rotated = [
    graph.node(`${prefix}.q_rotary`, 'rot_emb', [], [query]),
    graph.node(`${prefix}.k_rotary`, 'rot_emb', [], [key]),
  ];
  const softmax = graph.node(`${prefix}.softmax`, 'msa', [], [...rotated, value]);
  const project = (): number =>
    graph.linear(`${prefix}.o_proj`, width, queries, [softmax], { bias: options.outputBias });
  const projected = output === undefined ? project() : graph.at(output, project);
  register();
  return projected;
}

interface Projections {
  readonly query: number;
  readonly key: number;
  readonly value: number;
  /** Adds parameters that the module lists last. */
  readonly register: () => void;
}

function projections(
  graph: GraphBuilder,
  prefix: string,
  { width, heads, keyValueHeads, headSize }: AttentionSizes,
  after: number,
  { bias, headNorms }: AttentionOptions,
): Projections {
  const project = (part: string, count: number, slot: number): number =>
    graph.linear(`${prefix}.${part}_proj`, count * headSize, width, [after], { bias, slot });
  const norm = headNorms === undefined ? undefined : rmsNorm(graph, headNorms, headSize);
  const query = project('q', heads, 0);
  const queryNorm = norm?.(`${prefix}.q_norm`, query);
  const key = project('k', keyValueHeads, 1);
  const keyNorm = norm?.(`${prefix}.k_norm`, key);
  const value = project('v', keyValueHeads, 2);
  return {
    query: queryNorm?.node ?? query,
    key: keyNorm?.node ?? key,
    value,
    register() {
      queryNorm?.register();
      keyNorm?.register();
    },
  };
}

/** One node for all of them, and a block of its parameter for each. */
function fusedProjection(
  graph: GraphBuilder,
  prefix: string,
  lengths: readonly number[],
  width: number,
  after: number,
): Projections {
  const features = lengths.reduce((sum, length) => sum + length, 0);
  const node = graph.node(`${prefix}.weight`, 'conv', [features, width], [after]);
  graph.joined(`${prefix}.weight`, [features, width], node, 'matrix', lengths, { inputAxis: 1 });
  return { query: node, key: node, value: node, register: () => undefined };
}
