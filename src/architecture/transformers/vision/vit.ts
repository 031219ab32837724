/** transformers' ViT. Source: `modeling_vit.py` of transformers 5.23. */

import { visionTransformer } from './vision-transformer';

export const vit = visionTransformer({
  modelType: 'vit',
  name: 'ViT',
  heads: [],
  distilled: false,
  filling: (initializerRange) => ({ rule: 'truncated_normal', standardDeviation: initializerRange }),
});
