import type { ConfigReader } from '../config-reader';

/** What `depths` and another list of sizes say of each stage. Refused where they are not as many. */
export function readStages(
  reader: ConfigReader,
  name: string,
): { depths: readonly number[]; sizes: readonly number[] } {
  const depths = reader.sizes('depths');
  const sizes = reader.sizes(name);
  if (depths.length !== sizes.length) {
    reader.violation('depths', `has ${depths.length} entries; ${name} has ${sizes.length}`);
  }
  return { depths, sizes };
}
