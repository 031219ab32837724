/**
 * transformers' `DeiTForImageClassification`: a ViT with a distillation token. Source: `modeling_deit.py` and
 * `configuration_deit.py` of transformers 5.23.
 */

import { visionTransformer } from './vision-transformer';

export const deit = visionTransformer({
  modelType: 'deit',
  architecture: 'DeiTForImageClassification',
  tokens: ['cls_token', 'distillation_token'],
  filling: () => ({ rule: 'zeros', standardDeviation: 0 }),
});
