// What the front-end of ONNX files makes of every operator.
import { OPERATORS } from '../../dist/architecture/onnx/operators/index.js';
import { code, list } from './markdown.mjs';

const EXPORTERS = [
  '| Exporter | Names | Ties and copies | Matrices | Norms | Prefer |',
  '| --- | --- | --- | --- | --- | --- |',
  '| PyTorch, `dynamo=False` | kept, but of matrices behind data of three dimensions (`onnx::MatMul_12`) | one more use: an `Identity`; a tied head: a transposed copy; equal vectors: once | Gemm [out, in], MatMul [in, out] | folded into convolutions unless `do_constant_folding=False, training=TrainingMode.PRESERVE` | for networks on sequences and for weight norms |',
  '| PyTorch, `dynamo=True` | kept, but of what was computed (`val_12`), and those of convolutions into which it folded a batch norm | shared without a trace, equal ones too | as above | folded into convolutions under their own names; biases of zero are left out | with `optimize=False`, for the names |',
  '| Keras on PyTorch | none of its own | equal ones once | MatMul [in, out], kernels [h, w, in, out] behind a Transpose, heads by Einsum | a difference, a product and a sum; the scale has the root of the variance in it | with an `input_signature` of fixed shape |',
  '| tf2onnx | kept with a prefix | kept | as Keras | spelled out, vectors [1, 1, C] | as it is |',
  '| jax2onnx | made up | equal ones once | Gemm or MatMul [in, out] | spelled out | as it is |',
  '| skl2onnx | `coefficient`, `intercepts` | – | MatMul [in, out], biases [1, out] | – | with `options={"zipmap": False}` |',
  '| onnxslim, onnxsim | as before them | merge equal ones | make Gemm of MatMul and Add | fold them | before none: send the file as it was exported |',
  '| ONNX Runtime, optimised | as before it | as before it | as before it | fused with the sum before | the file from before |',
];

export function onnxOperators() {
  const byReading = new Map();
  for (const [name, { becomes }] of OPERATORS)
    byReading.set(becomes, [...(byReading.get(becomes) ?? []), name]);
  const items = [...byReading].map(([becomes, names]) => `${names.sort().map(code).join(', ')}: ${becomes}`);
  return [
    '## ONNX files',
    'Names and shapes of the parameters are those of the file. "By rule": by the rule of PyTorch or transformers, which ' +
      '[012](decisions/012-onnx-front-end.md) lists. Functions of the file, branches with a constant condition, or with all the weights, fused ' +
      'operators of ONNX Runtime and quantised ones are read as what they are made of. Refused are other operators and ' +
      'domains, loops, sparse weights and weights of a few bits each.',
    list(items),
    '### Exporters',
    'What each does to a network, and which call to prefer; [exporters.md](exporters.md) has it measured. Export a network ' +
      'whose parameters differ (trained, or drawn anew where they are all zeros or ones): equal ones are written once. Give ' +
      'the dynamo exporter a dynamic length (`dynamic_shapes`) for a network that looks up its positions: with a fixed one it ' +
      'keeps of the table the rows that the example used.',
    EXPORTERS.join('\n'),
  ];
}
