import type { Bundle } from './bundle';

/** A bundle's name that no other bundle has: `name@` and the beginning of its fingerprint. */
export function exactName({ manifest, fingerprint }: Bundle): string {
  return `${manifest.name}@${fingerprint.slice(0, 12)}`;
}
