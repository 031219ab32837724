/** What the parts of the weights' view look at. */

import type { Settings } from '../state/app-state';
import type { Network, TensorEntry } from '../state/network';
import type { Source } from '../state/source';

/** What the parts of the view look at. */
export interface Subject {
  readonly network: Network;
  readonly source: Source;
  readonly settings: Settings;
  readonly tensor: TensorEntry;
  /** Changes with any of them. */
  readonly key: string;
}
