/** What the caller says that it saw of a file's tensors. */

import { invalidField } from '../../errors';
import type { OnnxContent__Output } from '../../gen/logah/v1/OnnxContent';
import { quoted } from '../../graph/violations';
import type { ContentKind, TensorContent } from '../../onnx-file/content';

const KINDS: ReadonlyMap<string, ContentKind> = new Map([
  ['ONNX_CONTENT_KIND_UNSPECIFIED', 'other'],
  ['ONNX_CONTENT_KIND_ZEROS', 'zeros'],
  ['ONNX_CONTENT_KIND_ONES', 'ones'],
  ['ONNX_CONTENT_KIND_CONSTANT', 'constant'],
  ['ONNX_CONTENT_KIND_DRAWN', 'drawn'],
  ['ONNX_CONTENT_KIND_STRUCTURED', 'structured'],
]);

/** Throws LogahError `invalid_argument` for numbers that are not finite and deviations below 0. A kind not known is none. */
export function sentContents(contents: readonly OnnxContent__Output[]): TensorContent[] {
  return contents.map(({ name, kind, mean, standardDeviation, nonNegative, sameAs, transposed }, index) => {
    const wrong = (field: string, allowed: string, value: number): Error =>
      invalidField(
        `architecture.onnx_contents[${index}].${field}`,
        `must be ${allowed}, not ${quoted(value)}`,
      );
    if (!Number.isFinite(Math.fround(mean))) throw wrong('mean', 'finite in float32', mean);
    if (!(Number.isFinite(standardDeviation) && standardDeviation >= 0)) {
      throw wrong('standard_deviation', 'a finite number of at least 0', standardDeviation);
    }
    return {
      ...{ name, mean, nonNegative, transposed },
      kind: KINDS.get(kind) ?? 'other',
      deviation: standardDeviation,
      sameAs: sameAs === '' ? undefined : sameAs,
    };
  });
}
