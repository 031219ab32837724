/** What the names of a file's tensors do not tell: folded norms and merged parameters. */

import type { FileWarning } from '../../graph/graph';
import { quoted } from '../../graph/violations';
import type { OnnxNode } from './model';
import type { Weight } from './values';

/** Layers that PyTorch's dynamo exporter folds a batch norm into. */
const FOLDED_INTO: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm']);

/** Results of a batch norm, as torch.export names them: one of the three of the operator that it is for inference. */
const OF_A_NORM = /^(getitem|batch_norm|_?native_batch_norm\w*)(_\d+)?$/;

/**
 * Layers whose weight holds a batch norm too, under the name that it has in the module. Two signs tell: a bias that the
 * exporter made up for a layer without one, and a result that is called as that of the norm was.
 */
export function foldedWarning(
  nodes: readonly OnnxNode[],
  weights: Iterable<Weight>,
): FileWarning | undefined {
  const named = new Map([...weights].filter((weight) => weight.named).map((weight) => [weight.name, weight]));
  const folded = nodes.flatMap(({ operator, inputs: [, weight = '', bias], outputs: [result = ''] }) => {
    if (!FOLDED_INTO.has(operator) || !named.has(weight)) return [];
    const hasBiasOfNorm = /(^|\.)weight$/.test(weight) && bias === `${weight}_bias`;
    return hasBiasOfNorm || OF_A_NORM.test(result) ? [weight] : [];
  });
  if (folded.length === 0) return undefined;
  const tensors = listed(folded);
  return {
    kind: 'folded',
    tensors,
    text:
      `${tensors}: the dynamo exporter of PyTorch folded a batch norm into each, under the name that it had before; ` +
      'a module that loads them by name would apply its norms once more; export it with optimize=False',
  };
}

/** What parameters were written once, or hold the same. */
export interface Merged {
  /** Parameters, all of whose elements are equal, and that several layers read. */
  readonly uniform: readonly string[];
  /** Other parameters that several layers read: the same layer, or copies of one. */
  readonly reused: readonly string[];
  /** Pairs of parameters that hold the same values. */
  readonly twins: readonly (readonly [string, string])[];
}

/** Reused parameters alone are what networks have that use a layer several times. */
export function mergedWarning({ uniform, reused, twins }: Merged): FileWarning | undefined {
  if (uniform.length === 0 && twins.length === 0) return undefined;
  const copies = uniform.length > 0 ? reused : [];
  const also = copies.length > 0 ? `, and ${listed(copies)}, which may be copies of one layer` : '';
  const clauses = [
    ...(uniform.length > 0
      ? [`several layers read ${listed(uniform)}, all of whose elements are equal${also}`]
      : []),
    ...(twins.length > 0 ? [`equal values under two names are one parameter here: ${pairs(twins)}`] : []),
  ];
  return {
    kind: 'merged',
    tensors: listed([...uniform, ...copies, ...twins.map(([name]) => name)]),
    text:
      `${clauses.join('; ')}: exporters write parameters that are equal in an untrained network once; export it with ` +
      'weights that differ to have each under its own name',
  };
}

const LISTED = 5;

function listed(names: readonly string[]): string {
  return limited(names.map((name) => quoted(name)));
}

function pairs(twins: readonly (readonly [string, string])[]): string {
  return limited(twins.map(([name, original]) => `${quoted(original)} and ${quoted(name)}`));
}

function limited(texts: readonly string[]): string {
  const rest = texts.length - LISTED;
  return `${texts.slice(0, LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
