import { bert } from './bert';
import { deit } from './deit';
import type { TransformersFamily } from './family';
import { gpt2 } from './gpt2';
import { llama } from './llama';
import { mistral } from './mistral';
import { opt } from './opt';
import { qwen2 } from './qwen2';
import { roberta } from './roberta';
import { vit } from './vit';

/** Every `model_type` that the service reads, in order of name. */
export const families: readonly TransformersFamily[] = [
  bert,
  deit,
  gpt2,
  llama,
  mistral,
  opt,
  qwen2,
  roberta,
  vit,
];
