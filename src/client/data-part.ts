/** A part of a prediction's data: bytes `start` to `end` of the plan with this fingerprint. */
export interface DataPart {
  readonly fingerprint: string;
  readonly start: number;
  readonly end: number;
}
