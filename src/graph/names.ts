import { quoted, type Violations } from './violations';

/** Longest name of a graph, a family, a node or a parameter, in characters. */
export const MAX_NAME = 256;

/** Checks that the names of a list are unique, not empty and not too long. */
export class Names {
  private readonly indices = new Map<string, number>();

  constructor(
    private readonly list: 'nodes' | 'parameters',
    private readonly violations: Violations,
  ) {}

  add(name: string, index: number): void {
    const field = `architecture.graph.${this.list}[${index}].name`;
    const earlier = this.indices.get(name);
    if (name === '') {
      this.violations.add(field, 'is empty');
    } else if (name.length > MAX_NAME) {
      this.violations.add(field, `has ${name.length} characters; at most ${MAX_NAME} are allowed`);
    } else if (earlier !== undefined) {
      this.violations.add(field, `${quoted(name)} is also the name of ${this.list}[${earlier}]`);
    } else {
      this.indices.set(name, index);
    }
  }

  indexOf(name: string): number | undefined {
    return this.indices.get(name);
  }
}
