import { attentionOperators } from './attention';
import { elementwiseOperators } from './elementwise';
import { linearOperators } from './linear';
import { mlOperators } from './ml';
import { normalizationOperators } from './normalization';
import type { Operator } from './operator';
import { passingOperators } from './passing';
import { structuralOperators } from './structure';

/** Every operator of ONNX that is read, by its name. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...linearOperators,
    ...normalizationOperators,
    ...attentionOperators,
    ...elementwiseOperators,
    ...structuralOperators,
    ...passingOperators,
  }),
);

/** Operators of `ai.onnx.ml` before and behind networks. */
export const ML_OPERATORS: ReadonlyMap<string, Operator> = new Map(Object.entries(mlOperators));
