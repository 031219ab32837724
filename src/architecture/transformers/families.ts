import { deit } from './deit';
import type { TransformersFamily } from './family';
import { gpt2 } from './gpt2';
import { llama } from './llama';
import { mistral } from './mistral';
import { qwen2 } from './qwen2';
import { vit } from './vit';

/** Every `model_type` that the service reads, in order of name. */
export const families: readonly TransformersFamily[] = [deit, gpt2, llama, mistral, qwen2, vit];
