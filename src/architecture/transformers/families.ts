import type { TransformersFamily } from './family';
import { gpt2 } from './gpt2';
import { vit } from './vit';

/** Every `model_type` that the service reads, in order of name. */
export const families: readonly TransformersFamily[] = [gpt2, vit];
