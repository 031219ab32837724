import type { ConfigReader } from './config-reader';
import type { Restriction, TransformersFamily } from './family';
import { GraphBuilder } from './graph-builder';
import type { Body, Head } from './heads/head';

/** A family by what is its own; the rest is the same in all of them. */
export interface FamilyDescription<Config> {
  readonly modelType: string;
  readonly heads: readonly [Head, ...Head[]];
  readonly restrictions?: readonly Restriction[];
  /** Of the body; what is wrong with it becomes violations of the reader. */
  read(reader: ConfigReader, head: Head): Config;
  /** Repetitions of each of its blocks, as `FamilyNetwork` has them. */
  repeats(config: Config): readonly number[];
  /** The standard deviation of initial weights, where the configuration does not call it `initializer_range`. */
  initializerRange?(reader: ConfigReader): number;
  /** Draws the body, with so many repetitions. */
  body(graph: GraphBuilder, config: Config, head: Head, repeats: readonly number[]): Body;
  /** By the configuration's names. */
  sizes(config: Config): Readonly<Record<string, number>>;
  /** Those of the sizes that widening multiplies; undefined: the network is not made of copies. */
  widths?(config: Config): readonly string[] | undefined;
}

/** The family of a description. */
export function describedFamily<Config>(own: FamilyDescription<Config>): TransformersFamily {
  return {
    modelType: own.modelType,
    heads: own.heads,
    restrictions: own.restrictions ?? [],
    widens: own.widths !== undefined,
    read(reader, head) {
      const config = own.read(reader, head);
      const { labels, add } = head.read(reader);
      const sizes = { ...own.sizes(config), ...(labels !== undefined && { num_labels: labels }) };
      return {
        repeats: own.repeats(config),
        ...(own.initializerRange && { initializerRange: own.initializerRange(reader) }),
        build(repeats) {
          const graph = new GraphBuilder();
          const first = head.comesFirst ? graph.keepPlace() : undefined;
          const body = own.body(graph, config, head, repeats);
          if (first === undefined) add(graph, body);
          else
            graph.at(first, () => {
              add(graph, body);
            });
          return graph.build(head.architecture, own.modelType, sizes, own.widths?.(config));
        },
      };
    },
  };
}

/** Adds a violation where the heads do not divide the width; names are the configuration's. */
export function checkHeads(
  reader: ConfigReader,
  width: number,
  widthName: string,
  heads: number,
  headsName: string,
): void {
  if (width % heads === 0) return;
  const [used, usedHeads] = [reader.nameOf(widthName), reader.nameOf(headsName)];
  reader.violation(used, `is ${width}, which ${heads} ${usedHeads} do not divide`);
}
