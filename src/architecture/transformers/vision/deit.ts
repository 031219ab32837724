/** transformers' DeiT: a ViT with a distillation token. Source: `modeling_deit.py` of transformers 5.23. */

import { distilledClassifiers } from '../heads/distilled';
import { head } from '../heads/head';
import { visionTransformer } from './vision-transformer';

export const deit = visionTransformer({
  modelType: 'deit',
  name: 'DeiT',
  heads: [
    head('DeiTForImageClassificationWithTeacher', 'deit.', [
      distilledClassifiers('cls_classifier', 'distillation_classifier'),
    ]),
  ],
  distilled: true,
  filling: () => ({ rule: 'zeros', standardDeviation: 0 }),
});
