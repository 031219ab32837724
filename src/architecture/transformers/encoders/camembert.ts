/** transformers' CamemBERT. Source: `modeling_camembert.py` of transformers 5.23. */

import { robertaEncoder } from './roberta-encoder';

export const camembert = robertaEncoder('camembert', 'Camembert', { headsFirst: true });
