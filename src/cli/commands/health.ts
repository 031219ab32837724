/** `logah health`: asks a server whether it is well, for container health checks and scripts. */

import { Client } from '@grpc/grpc-js';
import { Command, Option } from 'commander';
import { service as healthService } from 'grpc-health-check';
import { LogahError, RemoteError, type Security } from '../../client';
import { channelOptions } from '../../client/link/channel';
import { channelCredentials } from '../../client/link/security';
import { explained } from '../../client/link/wrong-port';
import type { ClientFlags } from '../../config/client-config';
import { clientSecurity } from '../client-security';
import { addSecurityOptions, parseServer } from '../options';

/** Milliseconds until a server that does not answer counts as unwell. */
const DEADLINE_MS = 3000;

interface HealthFlags extends ClientFlags {
  readonly server: string;
  readonly service: string;
}

/** `grpc.health.v1.HealthCheckResponse`. */
interface HealthResponse {
  readonly status: string;
}

/** The command. */
export function healthCommand(): Command {
  const command = new Command('health').description(
    'ask a server for its health (grpc.health.v1); exit code 0: it serves, 1: it does not',
  );
  return addSecurityOptions(command)
    .addOption(
      new Option('--server <host:port>', 'server to ask').argParser(parseServer).default('127.0.0.1:50051'),
    )
    .addOption(
      new Option('--service <name>', 'service to ask about, such as logah.v1.LogahService').default(
        '',
        'the server as a whole',
      ),
    )
    .action(async (flags: HealthFlags) => {
      const status = await check(flags.server, flags.service, await clientSecurity(flags));
      process.stdout.write(`${status}\n`);
      if (status !== 'SERVING') process.exitCode = 1;
    });
}

/** The status of a service in the health protocol's words. Throws LogahError where the server does not say it. */
async function check(server: string, service: string, security: Security): Promise<string> {
  const { Check } = healthService;
  if (Check === undefined) throw new Error('grpc.health.v1.Health has no method Check');
  const { path, requestSerialize, responseDeserialize } = Check;
  const credentials = channelCredentials(security);
  const client = new Client(server, credentials, channelOptions(server));
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
  } catch (error) {
    const reason = error instanceof RemoteError ? await explained(error, credentials._isSecure()) : undefined;
    throw reason ?? error;
  } finally {
    client.close();
  }
}
