import { invalidFields, type FieldViolation } from '../errors';

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

/** A value from a request, short enough for an error message. */
export function quoted(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  if (Array.isArray(value)) return isShort(value) ? JSON.stringify(value) : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function isShort(list: readonly unknown[]): boolean {
  return (
    list.length <= 8 && list.every((item) => (typeof item === 'string' ? item.length <= 40 : !isObject(item)))
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
