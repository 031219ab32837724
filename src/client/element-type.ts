import type { DataType__Output } from '../gen/logah/v1/DataType';
import { ProtocolError } from './protocol-error';

/** Element types as safetensors names them. */
export type ElementType = 'F32' | 'F16' | 'BF16';

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** The element type of a plan. Throws ProtocolError where the plan leaves it open. */
export function elementType(dtype: DataType__Output): ElementType {
  switch (dtype) {
    case 'DATA_TYPE_FLOAT32':
      return 'F32';
    case 'DATA_TYPE_FLOAT16':
      return 'F16';
    case 'DATA_TYPE_BFLOAT16':
      return 'BF16';
    case 'DATA_TYPE_UNSPECIFIED':
    default: // A newer server may know more.
      throw new ProtocolError('plan.dtype', dtype, 'FLOAT32, FLOAT16 or BFLOAT16');
  }
}
