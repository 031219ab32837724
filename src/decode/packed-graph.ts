/** Graphs as bytes: a thread that hands one on need not look at each of its nodes. */

import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ArchitectureGraph } from '../graph/graph';
import type { PackedGraph } from './worker-protocol';

/** Serialised and compressed. */
export function packGraph(graph: ArchitectureGraph): PackedGraph {
  return deflateRawSync(serialize(graph), { level: 1 });
}

/** The graph again; one that was not packed is itself. */
export function unpackGraph(graph: ArchitectureGraph | PackedGraph): ArchitectureGraph {
  return graph instanceof Uint8Array ? (deserialize(inflateRawSync(graph)) as ArchitectureGraph) : graph;
}
