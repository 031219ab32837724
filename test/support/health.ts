/** Clients of the standard services: health and reflection. */

import { Client, credentials, type ClientReadableStream, type MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: string;
}

type HealthMethod = MethodDefinition<HealthRequest, HealthResponse>;

const health = loadSync(protoPath, { enums: String, defaults: true })[
  'grpc.health.v1.Health'
] as unknown as Record<'Check' | 'Watch', HealthMethod>;

/** A health client with a connection of its own. */
export class HealthClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  /** "SERVING" or "NOT_SERVING"; rejects with the status of the call. */
  check(service = ''): Promise<string | undefined> {
    const { path, requestSerialize, responseDeserialize } = health.Check;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service },
        (error, response) => {
          if (error) reject(error);
          else resolve(response?.status);
        },
      );
    });
  }

  /** The statuses as they change. */
  watch(service = ''): ClientReadableStream<HealthResponse> {
    const { path, requestSerialize, responseDeserialize } = health.Watch;
    return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  }

  close(): void {
    this.#client.close();
  }
}
