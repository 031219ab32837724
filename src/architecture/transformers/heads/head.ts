/** What stands on a network's body: one notion for every family, in parts that a class has one or more of. */

import type { ConfigReader } from '../config-reader';
import type { GraphBuilder } from '../graph-builder';

/** What a family's body leaves for the heads. */
export interface Body {
  /** The node of the last hidden state. */
  readonly last: number;
  /** That of the pooled one, where the head asked for it. */
  readonly pooled?: number | undefined;
  /** Of both. */
  readonly width: number;
  readonly tokens?: TokenTable | undefined;
}

/** The table of tokens, which a head can share. */
export interface TokenTable {
  readonly name: string;
  readonly entries: number;
  readonly width: number;
  readonly tied: boolean;
}

/** A part whose configuration has been read. */
export interface HeadLayers {
  /** The number of classes, where it has some. */
  readonly labels?: number | undefined;
  /** Adds the nodes that read the body, and their parameters. */
  readonly add: (graph: GraphBuilder, body: Body) => void;
}

/** One output of a class. */
export interface HeadPart {
  /** Whether it can share the table of tokens. */
  readonly ties?: boolean;
  /** Whether it reads the pooled hidden state. */
  readonly pools?: boolean;
  read(reader: ConfigReader): HeadLayers;
}

/** A class of transformers: a body, and what stands on it. */
export interface Head {
  readonly architecture: string;
  /** What the names of the body's parameters begin with; empty where the class is the body. */
  readonly prefix: string;
  readonly ties: boolean;
  readonly pools: boolean;
  /** Whether the body has a token that stands for what is hidden from it. */
  readonly masks: boolean;
  /** Whether the module lists its parameters before those of the body. */
  readonly comesFirst: boolean;
  /** Whether the body is an encoder alone, where the family has a decoder, too. */
  readonly encoderOnly: boolean;
  /** Whether it is a decoder alone, where the family has an encoder, too. */
  readonly decoderOnly: boolean;
  read(reader: ConfigReader): HeadLayers;
}

export interface HeadOptions {
  /** Whether the body has a pooling layer, whether a part reads it or not. */
  readonly pools?: boolean;
  readonly masks?: boolean;
  readonly comesFirst?: boolean;
  readonly encoderOnly?: boolean;
  readonly decoderOnly?: boolean;
}

/** A class with these outputs. */
export function head(
  architecture: string,
  prefix: string,
  parts: readonly HeadPart[],
  options: HeadOptions = {},
): Head {
  const { pools = parts.some((part) => part.pools === true), masks = false } = options;
  const { comesFirst = false, encoderOnly = false, decoderOnly = false } = options;
  return {
    architecture,
    prefix,
    ties: parts.some((part) => part.ties === true),
    pools,
    masks,
    comesFirst,
    encoderOnly,
    decoderOnly,
    read(reader) {
      const layers = parts.map((part) => part.read(reader));
      return {
        labels: layers.find(({ labels }) => labels !== undefined)?.labels,
        add(graph, body) {
          for (const layer of layers) layer.add(graph, body);
        },
      };
    },
  };
}

/** The body alone. */
export function bareModel(architecture: string, options: HeadOptions = {}): Head {
  return head(architecture, '', [], options);
}

/** The node that a part of these wishes reads; throws where the family pools nothing, which is a fault of ours. */
export function readNode({ last, pooled }: Body, pools: boolean): number {
  if (!pools) return last;
  if (pooled === undefined) throw new Error('the body has no pooled hidden state');
  return pooled;
}
