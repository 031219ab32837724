/** transformers' XLM-RoBERTa. Source: `modeling_xlm_roberta.py` of transformers 5.23. */

import { robertaEncoder } from './roberta-encoder';

export const xlmRoberta = robertaEncoder('xlm-roberta', 'XLMRoberta', { headsFirst: true });
