import type { OnnxNode } from '../model';

/** The new name of a value; undefined where it keeps its own. */
export type Renaming = (name: string) => string | undefined;

/** The node with other names of values, in graphs inside it too. */
export function scoped(node: OnnxNode, renaming: Renaming): OnnxNode {
  const renamed = (name: string): string => renaming(name) ?? name;
  const attributes = new Map(
    [...node.attributes].map(([key, attribute]) => {
      const { graph } = attribute;
      if (graph === undefined) return [key, attribute] as const;
      // What a graph inside calls by the same name is its own.
      const own = new Set(graph.initializers.map(({ name }) => name));
      for (const { outputs } of graph.nodes) for (const name of outputs) own.add(name);
      const outer: Renaming = (name) => (own.has(name) ? undefined : renaming(name));
      const inside = {
        ...graph,
        nodes: graph.nodes.map((each) => scoped(each, outer)),
        outputs: graph.outputs.map((name) => outer(name) ?? name),
      };
      return [key, { ...attribute, graph: inside }] as const;
    }),
  );
  return { ...node, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed), attributes };
}
