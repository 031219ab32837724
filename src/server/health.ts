/** The standard health service, whose watchers do not keep a server that drains. */

import {
  status,
  type Server,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** Paths of what a liveness probe calls. */
export const HEALTH_CHECKS: ReadonlySet<string> = new Set(['/grpc.health.v1.Health/Check']);

/** Path of what balancers watch. */
export const HEALTH_WATCH = '/grpc.health.v1.Health/Watch';

type WatchCall = ServerWritableStream<unknown, unknown>;

/** `grpc.health.v1.Health` for a set of services, none of which is well once the server stops. */
export class Health {
  readonly #health: HealthImplementation;
  readonly #services: readonly string[];
  readonly #watchers = new Set<WatchCall>();
  #isStopping = false;

  /** The names of the services; '' stands for the server. */
  constructor(services: readonly string[]) {
    this.#services = services;
    this.#health = new HealthImplementation(Object.fromEntries(services.map((name) => [name, 'SERVING'])));
  }

  addToServer(server: Server): void {
    this.#health.addToServer({
      addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
        const watch = handlers.watch as (call: WatchCall) => void;
        server.addService(service, {
          ...handlers,
          watch: (call: WatchCall) => {
            this.#watchers.add(call);
            call.once('cancelled', () => this.#watchers.delete(call));
            watch(call);
          },
        });
      },
    });
  }

  /** Says of one of the services whether it is well. */
  setServing(service: string, isServing: boolean): void {
    if (!this.#isStopping) this.#health.setStatus(service, isServing ? 'SERVING' : 'NOT_SERVING');
  }

  /** Says NOT_SERVING, and ends the watches: the library would leave them open, and a server waits for open calls. */
  stopServing(): void {
    this.#isStopping = true;
    for (const service of this.#services) this.#health.setStatus(service, 'NOT_SERVING');
    for (const call of this.#watchers) {
      call.emit('error', { code: status.UNAVAILABLE, details: 'the server is shutting down' });
    }
  }
}
