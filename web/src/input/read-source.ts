/** Architectures from files, examples and addresses. */

import { create, fromBinary, fromJsonString } from '@bufbuild/protobuf';
import { ArchitectureGraphSchema, ArchitectureSchema } from '../../../src/gen/es/logah/v1/architecture_pb';
import { FileFault } from '../contract/fault';
import type { Start } from '../state/app-state';
import type { SourceLink } from '../state/address';
import { architectureOfConfig, type Config, type Source } from '../state/source';
import { packText, unpackText } from './pack-text';
import { isOnnx, readOnnx } from './read-onnx';

/** Bytes of a JSON file that is read at all; a graph of 8,192 nodes has 2 MB. */
const MOST_BYTES = 64 * 2 ** 20;

/** A file that was dropped or chosen. Throws FileFault where it is none of those that the service reads. */
export async function sourceOfFile(file: File): Promise<Source> {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (file.name.endsWith('.onnx') || isOnnx(head)) {
    return { name: file.name, architecture: await readOnnx(file), config: undefined, link: undefined };
  }
  if (file.size > MOST_BYTES) {
    throw new FileFault(
      `${file.name} has ${file.size} bytes; a configuration or a graph has at most ${MOST_BYTES}`,
    );
  }
  return sourceOfText(file.name, await file.text());
}

/** The text of a configuration or of a graph in JSON. Throws FileFault. */
export async function sourceOfText(name: string, text: string): Promise<Source> {
  const root = parse(name, text);
  if ('model_type' in root) {
    const value = await packText(text);
    const architecture = architectureOfConfig(new TextEncoder().encode(text));
    return { name, architecture, config: root, link: { key: 'config', value } };
  }
  if ('nodes' in root) return { name, architecture: graphOf(name, text), config: undefined, link: undefined };
  throw new FileFault(
    `${name} is neither a transformers config.json (it has no "model_type") nor an architecture graph (it has no "nodes")`,
  );
}

/** What an address names. Throws FileFault where this page does not have it. */
export async function sourceOfLink({ key, value }: SourceLink, start: Start): Promise<Source> {
  switch (key) {
    case 'example': {
      const example = start.examples.find(({ name }) => name === value);
      if (example === undefined) throw new FileFault(`there is no example ${value} here`);
      const source = await sourceOfText(value, await (await fetch(example.url)).text());
      return { ...source, link: { key, value } };
    }
    case 'config':
      return sourceOfText('config.json', await unpackText(value));
    case 'opened': {
      if (start.opened?.name !== value) throw new FileFault(`this page was not started for ${value}`);
      const bytes = new Uint8Array(await (await fetch(start.opened.url)).arrayBuffer());
      const architecture = fromBinary(ArchitectureSchema, bytes);
      const config =
        architecture.source.case === 'transformersConfig'
          ? parse(value, new TextDecoder().decode(architecture.source.value))
          : undefined;
      return { name: value, architecture, config, link: { key, value } };
    }
  }
}

/** Python writes configurations, with NaN and Infinity: the server judges them, the page needs the rest. */
function parse(name: string, text: string): Config {
  const plain = text.replace(/(?<=[[:,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g, 'null');
  let root: unknown;
  try {
    root = JSON.parse(plain);
  } catch (error) {
    throw new FileFault(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof root === 'object' && root !== null && !Array.isArray(root)) return root as Config;
  throw new FileFault(`${name} holds no JSON object`);
}

function graphOf(name: string, text: string): Source['architecture'] {
  try {
    const value = fromJsonString(ArchitectureGraphSchema, text);
    return create(ArchitectureSchema, { source: { case: 'graph', value } });
  } catch (error) {
    throw new FileFault(
      `${name} is no architecture graph: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
