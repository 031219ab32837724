/** The architecture that the page shows, and where it came from. */

import { create } from '@bufbuild/protobuf';
import { ArchitectureSchema, type Architecture } from '../../../src/gen/es/logah/v1/architecture_pb';

/** A transformers configuration: what JSON holds. */
export type Config = Readonly<Record<string, unknown>>;

/** An architecture to look at. */
export interface Source {
  /** For people. */
  readonly name: string;
  readonly architecture: Architecture;
  /** Undefined for an ONNX file or a graph. */
  readonly config: Config | undefined;
  /** How an address names it: an example, a configuration itself, or what the page was started for. */
  readonly link: { readonly key: 'example' | 'config' | 'opened'; readonly value: string } | undefined;
}

/** The architecture that a configuration's bytes stand for. */
export function architectureOfConfig(bytes: Uint8Array): Architecture {
  return create(ArchitectureSchema, { source: { case: 'transformersConfig', value: bytes } });
}

/** The same configuration with some fields set otherwise. */
export function withFields(source: Source, fields: Config): Source {
  const config = { ...source.config, ...fields };
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  return { ...source, architecture: architectureOfConfig(bytes), config, link: undefined };
}
