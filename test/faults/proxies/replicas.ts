/** Two servers with the same models, which can be killed and brought back. */

import { startServer, type ServerProcess } from '../../support/server-process';
import { freePort } from './proxies';

/** A server that comes back at the same address. */
export class Replica {
  readonly port: number;
  readonly #models: string;
  #server: ServerProcess;
  /** Predictions that servers before this one had begun. */
  #before = 0;

  private constructor(port: number, models: string, server: ServerProcess) {
    this.port = port;
    this.#models = models;
    this.#server = server;
  }

  static async start(models: string): Promise<Replica> {
    const port = await freePort();
    return new Replica(port, models, await launch(port, models));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Streams begun so far, by this server and those before it. */
  get streams(): number {
    return this.#before + this.#server.logs.filter(({ msg }) => msg === 'predicting').length;
  }

  signal(signal: NodeJS.Signals): void {
    this.#server.kill(signal);
  }

  /** Ends it, whatever state it is in. */
  async end(): Promise<void> {
    this.#server.client.close();
    this.#server.stub.close();
    this.#server.kill('SIGKILL');
    await this.#server.exit;
  }

  /** A new server in its place. */
  async restart(): Promise<void> {
    await this.end();
    this.#before = this.streams;
    this.#server = await launch(this.port, this.#models);
  }
}

function launch(port: number, models: string): Promise<ServerProcess> {
  // Without grace, so that SIGTERM cuts a stream.
  const flags = ['--address', `127.0.0.1:${port}`, '--shutdown-grace-seconds', '0', '--workers', '1'];
  return startServer({ models, flags });
}
