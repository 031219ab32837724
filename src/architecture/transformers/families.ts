import { bloom } from './decoders/bloom';
import { falcon } from './decoders/falcon';
import { gemma } from './decoders/gemma';
import { gemma2 } from './decoders/gemma2';
import { gemma3Text } from './decoders/gemma3-text';
import { gpt2 } from './decoders/gpt2';
import { gptNeoX } from './decoders/gpt-neox';
import { llama } from './decoders/llama';
import { mistral } from './decoders/mistral';
import { mixtral } from './decoders/mixtral';
import { opt } from './decoders/opt';
import { phi3 } from './decoders/phi3';
import { qwen2 } from './decoders/qwen2';
import { qwen3 } from './decoders/qwen3';
import { qwen3Moe } from './decoders/qwen3-moe';
import { bert } from './encoders/bert';
import { camembert } from './encoders/camembert';
import { debertaV2 } from './encoders/deberta-v2';
import { distilbert } from './encoders/distilbert';
import { electra } from './encoders/electra';
import { roberta } from './encoders/roberta';
import { xlmRoberta } from './encoders/xlm-roberta';
import { bart } from './encoder-decoders/bart';
import { t5 } from './encoder-decoders/t5';
import { whisper } from './encoder-decoders/whisper';
import type { TransformersFamily } from './family';
import { convnext } from './vision/convnext';
import { deit } from './vision/deit';
import { dinov2 } from './vision/dinov2';
import { resnet } from './vision/resnet';
import { swin } from './vision/swin';
import { vit } from './vision/vit';
import { clip, clipTextModel, clipVisionModel } from './vision-language/clip';
import { siglip, siglipTextModel, siglipVisionModel } from './vision-language/siglip';

/** Every `model_type` that the service reads, in order of name. */
export const families: readonly TransformersFamily[] = [
  bart,
  bert,
  bloom,
  camembert,
  clip,
  clipTextModel,
  clipVisionModel,
  convnext,
  debertaV2,
  deit,
  dinov2,
  distilbert,
  electra,
  falcon,
  gemma,
  gemma2,
  gemma3Text,
  gpt2,
  gptNeoX,
  llama,
  mistral,
  mixtral,
  opt,
  phi3,
  qwen2,
  qwen3,
  qwen3Moe,
  resnet,
  roberta,
  siglip,
  siglipTextModel,
  siglipVisionModel,
  swin,
  t5,
  vit,
  whisper,
  xlmRoberta,
];
