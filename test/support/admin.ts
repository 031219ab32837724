/** A client of `AdminService`, and of the directory that it is about. */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials, type requestCallback } from '@grpc/grpc-js';
import { AdminService } from '../../src/contract/service-clients';
import type { AdminServiceClient } from '../../src/gen/logah/v1/AdminService';
import type { LoadModelResponse__Output } from '../../src/gen/logah/v1/LoadModelResponse';
import type { ReloadModelsResponse__Output } from '../../src/gen/logah/v1/ReloadModelsResponse';
import type { UnloadModelResponse__Output } from '../../src/gen/logah/v1/UnloadModelResponse';

export class AdminClient {
  readonly #stub: AdminServiceClient;

  constructor(address: string) {
    this.#stub = new AdminService(address, credentials.createInsecure());
  }

  load(model: string): Promise<LoadModelResponse__Output> {
    return answer((callback) => this.#stub.LoadModel({ model }, callback));
  }

  unload(model: string): Promise<UnloadModelResponse__Output> {
    return answer((callback) => this.#stub.UnloadModel({ model }, callback));
  }

  reload(): Promise<ReloadModelsResponse__Output> {
    return answer((callback) => this.#stub.ReloadModels({}, callback));
  }

  close(): void {
    this.#stub.close();
  }

  /** Replaces a file of a bundle, with a manifest that vouches for it. */
  async vouchFor(bundle: string, file: string, content: Buffer): Promise<void> {
    const path = join(bundle, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: Record<string, unknown> };
    const sha256 = createHash('sha256').update(content).digest('hex');
    manifest.files[file] = { sha256, bytes: content.length };
    await writeFile(join(bundle, file), content);
    await writeFile(path, JSON.stringify(manifest));
  }
}

function answer<Response>(call: (callback: requestCallback<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (response === undefined) reject(error ?? new Error('neither an error nor a response'));
      else resolve(response);
    });
  });
}
