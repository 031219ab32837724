/** transformers' `ViTForImageClassification`. Source: `modeling_vit.py` and `configuration_vit.py` of transformers 5.23. */

import { visionTransformer } from './vision-transformer';

export const vit = visionTransformer({
  modelType: 'vit',
  architecture: 'ViTForImageClassification',
  tokens: ['cls_token'],
  filling: (initializerRange) => ({ rule: 'truncated_normal', standardDeviation: initializerRange }),
});
