/** `logah health`: asks a server whether it is well, for container health checks and scripts. */

import { Client, credentials } from '@grpc/grpc-js';
import { Command, Option } from 'commander';
import { service as healthService } from 'grpc-health-check';
import { LogahError, RemoteError } from '../../client';
import { channelOptions } from '../../client/link/channel';
import { parseServer } from '../options';

/** Milliseconds until a server that does not answer counts as unwell. */
const DEADLINE_MS = 3000;

interface HealthFlags {
  readonly server: string;
  readonly service: string;
}

/** `grpc.health.v1.HealthCheckResponse`. */
interface HealthResponse {
  readonly status: string;
}

/** The command. */
export function healthCommand(): Command {
  return new Command('health')
    .description('ask a server for its health (grpc.health.v1); exit code 0: it serves, 1: it does not')
    .addOption(
      new Option('--server <host:port>', 'server to ask').argParser(parseServer).default('127.0.0.1:50051'),
    )
    .addOption(
      new Option('--service <name>', 'service to ask about, such as logah.v1.LogahService').default(
        '',
        'the server as a whole',
      ),
    )
    .action(async ({ server, service }: HealthFlags) => {
      const status = await check(server, service);
      process.stdout.write(`${status}\n`);
      if (status !== 'SERVING') process.exitCode = 1;
    });
}

/** The status of a service in the health protocol's words. Throws LogahError where the server does not say it. */
async function check(server: string, service: string): Promise<string> {
  const { Check } = healthService;
  if (Check === undefined) throw new Error('grpc.health.v1.Health has no method Check');
  const { path, requestSerialize, responseDeserialize } = Check;
  const client = new Client(server, credentials.createInsecure(), channelOptions(server));
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        (bytes) => responseDeserialize(bytes) as HealthResponse,
        { service },
        { deadline: Date.now() + DEADLINE_MS },
        (error, response) => {
          if (error !== null) reject(new RemoteError(server, error));
          else if (response !== undefined) resolve(response.status);
          else reject(new LogahError('unavailable', `server ${server} answered nothing`));
        },
      );
    });
  } finally {
    client.close();
  }
}
