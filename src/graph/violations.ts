import { invalidFields, type FieldViolation } from '../errors';

export { quoted } from '../untrusted-text';

/** More are counted, not listed. */
const LISTED = 20;

/** Collects what is wrong with a request, so that its sender learns all of it at once. */
export class Violations {
  private readonly listed: FieldViolation[] = [];
  private count = 0;

  add(field: string, description: string): void {
    this.count += 1;
    if (this.listed.length < LISTED) this.listed.push({ field, description });
  }

  get none(): boolean {
    return this.count === 0;
  }

  get first(): FieldViolation | undefined {
    return this.listed[0];
  }

  /** Throws LogahError `invalid_argument` if anything was added. */
  throwIfAny(): void {
    if (this.none) return;
    const rest = this.count - this.listed.length;
    const summary = { field: 'architecture', description: `and ${rest} more violations` };
    throw invalidFields(rest > 0 ? [...this.listed, summary] : this.listed);
  }
}
