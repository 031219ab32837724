/** transformers' RoBERTa. Source: `modeling_roberta.py` of transformers 5.23. */

import { robertaEncoder } from './roberta-encoder';

export const roberta = robertaEncoder('roberta', 'Roberta');
