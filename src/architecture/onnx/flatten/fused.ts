/** Operators of ONNX Runtime's optimiser and of quantised models, as the plain ones that they are made of. */

import { invalidField } from '../../../errors';
import { ONNX_FIELD, isStandard, type OnnxAttribute, type OnnxNode } from '../model';
import { nodeName } from '../read-model';

/** What an operator is made of; undefined where it is plain. Throws LogahError for packed weights. */
export function unfused(node: OnnxNode): readonly OnnxNode[] | undefined {
  const parts = isStandard(node) ? STANDARD.get(node.operator) : MICROSOFT.get(node.operator);
  if (parts === undefined || !(isStandard(node) || DOMAINS.has(node.domain))) return undefined;
  const building = new Building(node);
  parts(building);
  return building.nodes;
}

const DOMAINS: ReadonlySet<string> = new Set([
  'com.microsoft',
  'com.ms.internal.nhwc',
  'com.microsoft.nchwc',
]);

type Parts = (building: Building) => void;

/** Nodes that take a node's place. */
class Building {
  readonly nodes: OnnxNode[] = [];

  constructor(readonly node: OnnxNode) {}

  input(index: number): string {
    return this.node.inputs[index] ?? '';
  }

  has(index: number): boolean {
    return this.input(index) !== '';
  }

  /** Adds an operator; returns the name of its result. */
  add(
    operator: string,
    inputs: readonly string[],
    attributes = this.node.attributes,
    outputs?: string[],
  ): string {
    const name = `${this.node.outputs.find((output) => output !== '') ?? this.node.name}/${this.nodes.length}`;
    const { index } = this.node;
    this.nodes.push({
      index,
      name: this.node.name,
      operator,
      domain: '',
      inputs,
      outputs: outputs ?? [name],
      attributes,
    });
    return outputs?.[0] ?? name;
  }

  /** The last operator makes the node's own results. */
  finish(value: string, output = 0): void {
    const name = this.node.outputs[output];
    if (name) this.add('Identity', [value], NONE, [name]);
  }

  /** The activation that an attribute names. */
  activated(value: string): string {
    const text = this.node.attributes.get('activation')?.text ?? '';
    const isSwish = this.node.attributes.get('activation')?.int === 1;
    return text === '' && !isSwish ? value : this.add(text || 'Swish', [value], NONE);
  }

  /** The float weight of a quantised one; its scale and zero point are no weights. */
  dequantized(weight: number, scale: number, zero: number): string {
    return this.add('DequantizeLinear', [this.input(weight), this.input(scale), this.input(zero)], NONE);
  }

  /** What data is quantised with. */
  quantized(value: string, ...scales: readonly number[]): string {
    return scales.reduce(
      (result, scale) =>
        this.has(scale) ? this.add('QuantizeLinear', [result, this.input(scale)], NONE) : result,
      value,
    );
  }
}

const NONE: ReadonlyMap<string, OnnxAttribute> = new Map();

function ints(...values: readonly number[]): OnnxAttribute {
  return { int: undefined, ints: values, text: '', tensor: undefined, graph: undefined, reference: '' };
}

const activationOf =
  (operator: string): Parts =>
  (b) => {
    b.finish(b.activated(b.add(operator, b.node.inputs.slice(0, 3))));
  };

/** Operators that a model has under ONNX Runtime's domain although ONNX has them, or passes through. */
const same =
  (operator: string, inputs?: number): Parts =>
  (b) => {
    b.add(operator, b.node.inputs.slice(0, inputs), b.node.attributes, [...b.node.outputs]);
  };

const skipNorm =
  (operator: string, bias: number): Parts =>
  (b) => {
    const sum = b.add('Add', [b.input(0), b.input(1)], NONE);
    const total = b.has(bias) ? b.add('Add', [sum, b.input(bias)], NONE) : sum;
    const scales = operator === 'LayerNormalization' ? [b.input(2), b.input(3)] : [b.input(2)];
    b.finish(b.add(operator, [total, ...scales]));
    b.finish(total, 3);
  };

const biased =
  (operator: string): Parts =>
  (b) => {
    const sum = b.has(1) ? b.add('Add', [b.input(0), b.input(1)], NONE) : b.input(0);
    const whole = b.has(2) ? b.add('Add', [sum, b.input(2)], NONE) : sum;
    b.finish(b.add(operator, [whole], NONE));
  };

const packed: Parts = ({ node }) => {
  throw invalidField(
    ONNX_FIELD,
    `${nodeName(node)} has weights packed in a few bits each; send the model from before its quantisation`,
  );
};

const MICROSOFT: ReadonlyMap<string, Parts> = new Map<string, Parts>([
  ['FusedGemm', activationOf('Gemm')],
  [
    'FusedConv',
    (b) => {
      const result = b.add('Conv', b.node.inputs.slice(0, 3));
      b.finish(b.activated(b.has(3) ? b.add('Add', [result, b.input(3)], NONE) : result));
    },
  ],
  ['Conv', activationOf('Conv')],
  [
    'NhwcConv',
    (b) => {
      const kernel = b.add('Transpose', [b.input(1)], new Map([['perm', ints(0, 3, 1, 2)]]));
      b.finish(b.add('Conv', [b.input(0), kernel, b.input(2)]));
    },
  ],
  ...['FusedMatMul', 'TransposeMatMul', 'FusedMatMulActivation'].map((name): [string, Parts] => [
    name,
    (b) => {
      const turned = (at: number, attribute: string): string =>
        (b.node.attributes.get(attribute)?.int ?? 0) === 1
          ? b.add('Transpose', [b.input(at)], new Map([['last_two', ints(1)]]))
          : b.input(at);
      b.finish(b.activated(b.add('MatMul', [turned(0, 'transA'), turned(1, 'transB')], NONE)));
    },
  ]),
  ['SkipLayerNormalization', skipNorm('LayerNormalization', 4)],
  ['SkipSimplifiedLayerNormalization', skipNorm('SimplifiedLayerNormalization', 3)],
  ['BiasGelu', biased('Gelu')],
  ['FastGelu', biased('Gelu')],
  ['QuickGelu', biased('Gelu')],
  ['Gelu', same('Gelu')],
  ['BiasAdd', biased('Identity')],
  ['BiasDropout', biased('Identity')],
  ['BiasSoftmax', biased('Softmax')],
  ['BiasSplitGelu', biased('Gelu')],
  [
    'EmbedLayerNormalization',
    (b) => {
      const read = (table: number, ids: number): string =>
        b.add('Gather', [b.input(table), b.has(ids) ? b.input(ids) : b.input(0)], NONE);
      const tables = [read(2, 0), read(3, 8), ...(b.has(4) ? [read(4, 1)] : [])];
      const sum = tables.reduce((one, other) => b.add('Add', [one, other], NONE));
      b.finish(b.add('LayerNormalization', [sum, b.input(5), b.input(6)]));
      b.finish(sum, 2);
    },
  ],
  [
    'Attention',
    (b) => {
      const product = b.add('MatMul', [b.input(0), b.input(1)], NONE);
      const all = b.has(2) ? b.add('Add', [product, b.input(2)], NONE) : product;
      b.finish(b.add('Attention', [all, all, all], NONE));
    },
  ],
  [
    'MultiHeadAttention',
    (b) => {
      const parts = [0, 1, 2].map((at) => (b.has(at) ? b.input(at) : b.input(0)));
      b.finish(b.add('Attention', b.has(3) ? [...parts, '', '', '', '', b.input(3)] : parts, NONE));
    },
  ],
  ...['GroupQueryAttention', 'DecoderMaskedMultiHeadAttention', 'PackedMultiHeadAttention'].map(
    (name): [string, Parts] => [
      name,
      (b) => {
        const parts = [0, 1, 2].map((at) => (b.has(at) ? b.input(at) : b.input(0)));
        b.finish(b.add('Attention', parts, NONE));
      },
    ],
  ),
  [
    'RotaryEmbedding',
    (b) => {
      b.finish(b.add('RotaryEmbedding', [b.input(0), b.input(2), b.input(3), b.input(1)], NONE));
    },
  ],
  [
    'GroupNorm',
    (b) => {
      b.finish(b.activated(b.add('GroupNormalization', b.node.inputs.slice(0, 3))));
    },
  ],
  [
    'SkipGroupNorm',
    (b) => {
      const skipped = b.add('Add', [b.input(0), b.input(3)], NONE);
      const sum = b.has(4) ? b.add('Add', [skipped, b.input(4)], NONE) : skipped;
      b.finish(b.activated(b.add('GroupNormalization', [sum, b.input(1), b.input(2)])));
      b.finish(sum, 1);
    },
  ],
  ...[
    'LayerNormalization',
    'SimplifiedLayerNormalization',
    'GridSample',
    'Inverse',
    'Trilu',
    'MaxpoolWithMask',
    'DequantizeLinear',
    'QuantizeLinear',
    'RMSNormalization',
    'ConvTranspose',
    'MaxPool',
    'AveragePool',
    'GlobalAveragePool',
    'GlobalMaxPool',
    'ReorderInput',
    'ReorderOutput',
    'Upsample',
  ].map((name): [string, Parts] => [
    name,
    same(
      name === 'MaxpoolWithMask'
        ? 'MaxPool'
        : name.startsWith('Reorder') || name === 'Inverse'
          ? 'Identity'
          : name,
    ),
  ]),
  [
    'QLinearAdd',
    (b) => {
      b.finish(b.quantized(b.add('Add', [b.input(0), b.input(3)], NONE), 1, 4, 6));
    },
  ],
  [
    'QLinearMul',
    (b) => {
      b.finish(b.quantized(b.add('Mul', [b.input(0), b.input(3)], NONE), 1, 4, 6));
    },
  ],
  ...['LeakyRelu', 'Sigmoid', 'Softmax', 'GlobalAveragePool', 'AveragePool', 'ReduceMean'].map(
    (name): [string, Parts] => [
      `QLinear${name}`,
      (b) => {
        b.finish(b.quantized(b.add(name, [b.input(0)]), 1, 3));
      },
    ],
  ),
  [
    'QLinearConcat',
    (b) => {
      const parts = b.node.inputs.flatMap((name, index) => (index >= 2 && index % 3 === 2 ? [name] : []));
      b.finish(b.quantized(b.add('Concat', parts), 0));
    },
  ],
  [
    'QGemm',
    (b) => {
      const bias = b.has(6) ? [b.dequantized(6, 4, -1)] : [];
      const result = b.add('Gemm', [b.input(0), b.dequantized(3, 4, 5), ...bias]);
      b.finish(b.quantized(result, 1, 7));
    },
  ],
  [
    'DynamicQuantizeMatMul',
    (b) => {
      const product = b.add('MatMul', [b.input(0), b.dequantized(1, 2, 3)], NONE);
      b.finish(b.has(4) ? b.add('Add', [product, b.input(4)], NONE) : product);
    },
  ],
  [
    'MatMulIntegerToFloat',
    (b) => {
      const product = b.add('MatMul', [b.input(0), b.dequantized(1, 3, 5)], NONE);
      const result = b.quantized(product, 2);
      b.finish(b.has(6) ? b.add('Add', [result, b.input(6)], NONE) : result);
    },
  ],
  [
    'DynamicQuantizeLSTM',
    (b) => {
      const [w, r] = [b.dequantized(1, 8, 9), b.dequantized(2, 10, 11)];
      b.add('LSTM', [b.input(0), w, r, ...b.node.inputs.slice(3, 8)], b.node.attributes, [...b.node.outputs]);
    },
  ],
  ...['MatMulNBits', 'MatMulBnb4', 'MatMulFpQ4', 'QMoE', 'GatherBlockQuantized', 'QAttention'].map(
    (name): [string, Parts] => [name, packed],
  ),
]);

const STANDARD: ReadonlyMap<string, Parts> = new Map<string, Parts>([
  [
    'QLinearConv',
    (b) => {
      // The scale of a bias is the product of the others.
      const bias = b.has(8) ? [b.dequantized(8, 4, -1)] : [];
      b.finish(b.quantized(b.add('Conv', [b.input(0), b.dequantized(3, 4, 5), ...bias]), 1, 6));
    },
  ],
  [
    'QLinearMatMul',
    (b) => {
      b.finish(b.quantized(b.add('MatMul', [b.input(0), b.dequantized(3, 4, 5)], NONE), 1, 6));
    },
  ],
  [
    'ConvInteger',
    (b) => {
      b.finish(b.add('Conv', [b.input(0), b.dequantized(1, -1, 3)]));
    },
  ],
  [
    'MatMulInteger',
    (b) => {
      b.finish(b.add('MatMul', [b.input(0), b.dequantized(1, -1, 3)], NONE));
    },
  ],
]);
