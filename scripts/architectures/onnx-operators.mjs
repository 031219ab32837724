// What the front-end of ONNX files makes of every operator.
import { OPERATORS } from '../../dist/architecture/onnx/operators/index.js';
import { code, list } from './markdown.mjs';

export function onnxOperators() {
  const byReading = new Map();
  for (const [name, { becomes }] of OPERATORS)
    byReading.set(becomes, [...(byReading.get(becomes) ?? []), name]);
  const items = [...byReading].map(([becomes, names]) => `${names.sort().map(code).join(', ')}: ${becomes}`);
  return [
    '## ONNX files',
    'Names and shapes of the parameters are those of the file. "By rule": by the rule of PyTorch or transformers, which ' +
      '[012](decisions/012-onnx-front-end.md) lists. Refused are other operators and domains, control flow, functions, ' +
      'sparse and quantised weights, and parameters of more than four dimensions.',
    list(items),
  ];
}
