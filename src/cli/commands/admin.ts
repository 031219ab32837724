/** `logah admin`: loads, unloads, reloads and lists the models of a running server, for those who run it. */

import type { CallOptions, requestCallback } from '@grpc/grpc-js';
import { Argument, Command, Option } from 'commander';
import { LogahError, RemoteError } from '../../client';
import { channelOptions } from '../../client/link/channel';
import { channelCredentials, tokenInterceptors } from '../../client/link/security';
import { explained } from '../../client/link/wrong-port';
import type { ClientFlags } from '../../config/client-config';
import { AdminService, LogahService } from '../../contract/service-clients';
import type { AdminServiceClient } from '../../gen/logah/v1/AdminService';
import type { ListModelsResponse__Output } from '../../gen/logah/v1/ListModelsResponse';
import type { LoadModelResponse__Output } from '../../gen/logah/v1/LoadModelResponse';
import type { Model__Output } from '../../gen/logah/v1/Model';
import type { ReloadModelsResponse__Output } from '../../gen/logah/v1/ReloadModelsResponse';
import type { UnloadModelResponse__Output } from '../../gen/logah/v1/UnloadModelResponse';
import { clientSecurity } from '../client-security';
import { addSecurityOptions, parseServer } from '../options';
import { printJson } from '../output/report';
import { left, renderTable, right } from '../output/table';
import { formatCount } from '../output/format';

/** Milliseconds that a server may take to load a model and to try it. */
const DEADLINE_MS = 10 * 60_000;

/** Digits of a fingerprint that tell models apart for a reader. */
const DIGITS = 12;

interface AdminFlags extends ClientFlags {
  readonly server: string;
  readonly json: boolean;
}

/** Makes one call: with what options, and with whom to hear the answer. */
type Start<Response> = (options: CallOptions, callback: requestCallback<Response>) => unknown;

/** The command. */
export function adminCommand(): Command {
  const command = new Command('admin').description(
    'load, unload, reload or list the models of a running server, for callers with the scope admin (or as its --admin says)',
  );
  return addSecurityOptions(command)
    .addArgument(
      new Argument('<action>', 'what to do; reload: load whatever has changed').choices([
        'list',
        'load',
        'unload',
        'reload',
      ]),
    )
    .argument('[model]', 'which one to load (NAME, NAME@FINGERPRINT or directory) or to unload')
    .addOption(
      new Option('--server <host:port>', 'server to administer')
        .argParser(parseServer)
        .default('127.0.0.1:50051'),
    )
    .addOption(new Option('--json', 'print one JSON object').default(false, 'lines'))
    .action(async (action: string, model: string | undefined, flags: AdminFlags) => {
      const isNamed = action === 'load' || action === 'unload';
      if (isNamed && model === undefined) command.error(`error: admin ${action} needs the name of a model`);
      if (!isNamed && model !== undefined) command.error(`error: admin ${action} takes no model`);
      await administer(action, model ?? '', flags);
    });
}

async function administer(action: string, model: string, flags: AdminFlags): Promise<void> {
  const print = (answer: object, text: string): void => {
    if (flags.json) printJson(answer);
    else process.stdout.write(text);
  };
  await withServer(flags, async (admin, service, ask) => {
    switch (action) {
      case 'load': {
        const answer = await ask<LoadModelResponse__Output>((options, done) =>
          admin.LoadModel({ model }, options, done),
        );
        print(answer, `${nameOf(answer.model)} answers\n`);
        break;
      }
      case 'unload':
        print(
          await ask<UnloadModelResponse__Output>((options, done) =>
            admin.UnloadModel({ model }, options, done),
          ),
          `${model} answers no new calls\n`,
        );
        break;
      case 'reload': {
        const answer = await ask<ReloadModelsResponse__Output>((options, done) =>
          admin.ReloadModels({}, options, done),
        );
        print(answer, reloaded(answer));
        if (answer.broken.length > 0) process.exitCode = 1;
        break;
      }
      default: {
        const answer = await ask<ListModelsResponse__Output>((options, done) =>
          service.ListModels({}, options, done),
        );
        const bundles = answer.models.filter(({ builtIn }) => !builtIn);
        print({ models: bundles, defaultModel: answer.defaultModel }, listed(bundles));
      }
    }
  });
}

/** Asks one server, once: what changes its models must not be said twice because an answer got lost. */
async function withServer(
  flags: AdminFlags,
  use: (
    admin: AdminServiceClient,
    service: InstanceType<typeof LogahService>,
    ask: <Response>(start: Start<Response>) => Promise<Response>,
  ) => Promise<void>,
): Promise<void> {
  const { server } = flags;
  const security = await clientSecurity(flags);
  const credentials = channelCredentials(security);
  const interceptors = tokenInterceptors([server], credentials, security.token);
  const options = { ...channelOptions(server), interceptors };
  const admin = new AdminService(server, credentials, options);
  const service = new LogahService(server, credentials, options);
  try {
    await use(admin, service, (start) => answerOf(server, start));
  } catch (error) {
    const reason = error instanceof RemoteError ? await explained(error, credentials._isSecure()) : undefined;
    throw reason ?? error;
  } finally {
    admin.close();
    service.close();
  }
}

function answerOf<Response>(server: string, start: Start<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + DEADLINE_MS }, (error, response) => {
      if (error !== null) reject(new RemoteError(server, error));
      else if (response !== undefined) resolve(response);
      else reject(new LogahError('unavailable', `server ${server} answered nothing`));
    });
  });
}

function nameOf(model: Pick<Model__Output, 'name' | 'fingerprint'> | null): string {
  return model === null ? 'the model' : `${model.name}@${model.fingerprint.slice(0, DIGITS)}`;
}

function listed(models: readonly Model__Output[]): string {
  return renderTable(
    [left('model'), right('parameters'), left('families')],
    models.map((model) => [nameOf(model), formatCount(model.parameters), model.families.join(', ') || '-']),
  );
}

function reloaded({ changed, models, broken }: ReloadModelsResponse__Output): string {
  const lines = broken.map(
    ({ directory, reason, serving }) =>
      `${directory} is broken: ${reason}${serving === '' ? '' : ` (${serving} goes on)`}\n`,
  );
  return [changed ? 'models have changed:\n' : 'nothing has changed:\n', listed(models), ...lines].join('');
}
