/** What a predicted block is mixed of, `docs/decisions/024-base.md`. */

/** What a request asks for. */
export interface Blend {
  /** How far of the way from around what it starts by default to the prediction it lies. */
  readonly strength: number;
  /** Noise, in standard deviations of each block as it is after `strength`. */
  readonly lift: number;
  /** Noise, in standard deviations of each block's default start. */
  readonly base: number;
}

/** The most that a request may ask for. Of what is predicted, noise of ten times as much leaves nothing. */
export const MAX_BLEND: Blend = { strength: 10, lift: 10, base: 10 };

/** Whether noise is added, which neither factors nor a limit of rank go with. */
export function isNoisy({ lift, base }: Pick<Blend, 'lift' | 'base'>): boolean {
  return lift > 0 || base > 0;
}
