/** `logah serve`: runs the gRPC server until it is told to stop. */

import { Command, Option } from 'commander';
import type { Logger } from 'pino';
import { unknownVariables } from '../../config/environment';
import { loadConfig, type ServerConfig } from '../../config/server-config';
import { SETTINGS, type SettingName } from '../../config/server-settings';
import type { BridgeTarget, Explorer } from '../../explorer';
import { startServer, type RunningServer } from '../../server';
import { requireFreeAddress } from '../free-address';
import { settingOption } from '../options';
import { packagePath, packageVersion } from '../package-paths';
import { boundedLog } from '../bounded-log';
import { loggable } from '../../untrusted-text';

/** The command. */
export function serveCommand(): Command {
  const command = new Command('serve').description('run the gRPC server until SIGTERM or SIGINT');
  for (const setting of Object.values(SETTINGS)) command.addOption(settingOption(setting));
  command.addOption(
    new Option('--parent-watch', 'stop when standard input ends, as it does when the parent process dies'),
  );
  return command.action(
    async (flags: Partial<Record<SettingName, string | true>> & { parentWatch?: boolean }) => {
      await serve(flags, flags.parentWatch === true);
    },
  );
}

async function serve(
  flags: Partial<Record<SettingName, string | true>>,
  parentWatch: boolean,
): Promise<void> {
  const config = loadConfig(flags, packagePath('models'));
  const logger = boundedLog(config.logLevel);
  for (const { name, meant } of unknownVariables()) {
    const guess = meant === undefined ? {} : { meant };
    logger.warn({ variable: loggable(name), ...guess }, 'an environment variable that is no setting');
  }
  const starting = requireFreeAddress(config.address)
    .then(() => startServer(config, logger, { version: packageVersion() }))
    .then((server) => withPage(server, config, logger));
  // Before it listens, so that no signal ends it in any other way.
  const stop = (): void => {
    starting.then(
      (server) => server.stop(),
      () => undefined,
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // A server of its own goes on when its terminal closes; one that was started for a command ends with it.
  if (!parentWatch) {
    process.on('SIGHUP', () => {
      starting.then(
        (server) => server.reloadModels(),
        () => undefined,
      );
    });
  }
  if (parentWatch) process.stdin.once('end', stop).once('error', stop).resume();
  const { stopped } = await starting.catch((error: unknown) => {
    // The watch must not keep a process that has nothing to do.
    process.stdin.destroy();
    throw error;
  });
  const code = await stopped.then(
    () => 0,
    (error: unknown) => {
      logger.fatal({ err: error }, 'cannot go on');
      return 1;
    },
  );
  // Nothing is left to do, or to be saved; open connections and idle handles must not keep the process.
  process.exit(code);
}

/** The server with the explorer beside it, where there is an address for that; it stops with the server. */
async function withPage(server: RunningServer, config: ServerConfig, logger: Logger): Promise<RunningServer> {
  if (config.explorerAddress === '') return server;
  let page: Explorer;
  try {
    const { tls } = server;
    const target: BridgeTarget = {
      address: `${reachable(server.host)}:${server.port}`,
      isGuarded: config.callers !== '',
      tls: tls && { kind: 'own', certificate: () => tls.material.cert },
    };
    // Most servers show none, and what it is made of takes as long to load as the server itself.
    const { startPage } = await import('../start-page.js');
    page = await startPage({ address: config.explorerAddress, target, tls: tls?.material });
    tls?.follow((material) => {
      page.replaceCertificate(material);
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  logger.info({ url: page.url }, 'explorer');
  return {
    ...server,
    stop: async () => {
      await Promise.all([page.close(), server.stop()]);
    },
  };
}

/** A host that this machine can connect to, of one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '[::]' ? '[::1]' : host;
}
