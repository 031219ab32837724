/** What the page begins with: the architecture that it was started for, and examples to choose from. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServedFile } from './page-files';

/** The architecture that the page opens. */
export interface OpenedArchitecture {
  /** For people: the path as it was given. */
  readonly name: string;
  /** `logah.v1.Architecture` in protobuf's binary form. */
  readonly message: Buffer;
}

/** What start files are made from. */
export interface StartOptions {
  readonly examplesDirectory: string;
  readonly opened?: OpenedArchitecture | undefined;
  readonly version: string;
}

/** `explorer.json`: what there is. */
interface Start {
  readonly version: string;
  readonly opened: { readonly name: string; readonly url: string } | null;
  readonly examples: readonly { readonly name: string; readonly modelType: string; readonly url: string }[];
}

type ServeFile = (bytes: Buffer, type: string) => Promise<ServedFile>;

/** The files, by path. */
export async function startFiles(
  { examplesDirectory, opened, version }: StartOptions,
  serve: ServeFile,
): Promise<ReadonlyMap<string, ServedFile>> {
  const files = new Map<string, ServedFile>();
  const examples: Start['examples'][number][] = [];
  for (const [name, config] of await exampleConfigs(examplesDirectory)) {
    const url = `/examples/${name}/config.json`;
    files.set(url, await serve(config, 'application/json'));
    examples.push({ name, modelType: modelTypeOf(config), url });
  }
  const start: Start = {
    version,
    opened: opened === undefined ? null : { name: opened.name, url: '/opened.binpb' },
    examples,
  };
  files.set('/explorer.json', await serve(Buffer.from(JSON.stringify(start)), 'application/json'));
  if (opened !== undefined) {
    files.set('/opened.binpb', await serve(opened.message, 'application/x-protobuf'));
  }
  return files;
}

/** Configurations by the folders that they lie in, in order of name; those that lie less deep come first. */
async function exampleConfigs(directory: string): Promise<readonly (readonly [string, Buffer])[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const configs = entries
    .filter((entry) => entry.isFile() && entry.name === 'config.json')
    .map(async ({ parentPath }) => {
      const name = parentPath.slice(directory.length + 1).replaceAll('\\', '/');
      return [name, await readFile(join(parentPath, 'config.json'))] as const;
    });
  const depth = (name: string): number => name.split('/').length;
  return (await Promise.all(configs)).sort(
    ([one], [other]) => depth(one) - depth(other) || (one < other ? -1 : 1),
  );
}

function modelTypeOf(config: Buffer): string {
  const { model_type: modelType } = JSON.parse(config.toString()) as { readonly model_type?: unknown };
  return typeof modelType === 'string' ? modelType : '';
}
