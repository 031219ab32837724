/** `logah explore`: a page in the browser that shows a network's graph, plan and predicted weights. */

import { Command, Option } from 'commander';
import { LogahService } from '../../contract/service-clients';
import type { Architecture } from '../../gen/logah/v1/Architecture';
import type { ClientFlags } from '../../config/client-config';
import type { BridgeTarget, OpenedArchitecture } from '../../explorer';
import { clientSecurity, refuseWithoutServer } from '../client-security';
import { startEmbeddedServer } from '../embedded-server';
import { INPUT_HELP, readInputFile } from '../input-file';
import { interruptible } from '../interruption';
import { addSecurityOptions, parseServer } from '../options';
import { packagePath } from '../package-paths';
import { startPage } from '../start-page';

interface ExploreFlags extends ClientFlags {
  readonly server?: string;
  readonly models?: string;
  readonly address: string;
}

/** What the page shows of a server that is its own: also how busy it is. */
const EMBEDDED_FLAGS = ['--metrics-address', '127.0.0.1:0'];

/** The command. */
export function exploreCommand(): Command {
  return addSecurityOptions(new Command('explore'))
    .description("show a network's graph, plan and predicted weights in the browser, until interrupted")
    .argument('[file]', `${INPUT_HELP} (default: the page asks)`)
    .addOption(
      new Option(
        '--server <host:port>',
        'server to show (default: start one for this command on a free port of 127.0.0.1)',
      ).argParser(parseServer),
    )
    .addOption(
      new Option(
        '--models <directory>',
        'directory of model bundles for the server that is started (default: the models that ship with the package)',
      ).conflicts('server'),
    )
    .addOption(
      new Option('--address <host:port>', "the page's address; port 0 is a free one").default('127.0.0.1:0'),
    )
    .action(async (file: string | undefined, flags: ExploreFlags) => {
      await interruptible((signal) => explore(file, flags, signal));
    });
}

async function explore(file: string | undefined, flags: ExploreFlags, signal: AbortSignal): Promise<void> {
  if (flags.server === undefined) refuseWithoutServer(flags);
  const opened = file === undefined ? undefined : await openedFile(file);
  const running = flags.server === undefined ? undefined : await targetOf(flags.server, flags);
  const modelsDirectory = flags.models ?? packagePath('models');
  const embedded =
    running === undefined
      ? await startEmbeddedServer({ modelsDirectory, signal, flags: EMBEDDED_FLAGS })
      : undefined;
  try {
    const target = running ?? { address: embedded?.address ?? '' };
    const explorer = await startPage({ address: flags.address, target, opened });
    process.stdout.write(`${explorer.url}\n`);
    await aborted(signal);
    await explorer.close();
  } finally {
    await embedded?.stop();
  }
}

async function openedFile(file: string): Promise<OpenedArchitecture> {
  const { path, architecture } = await readInputFile(file);
  return { name: path, message: messageOf(architecture) };
}

/** The message in binary form: the first field of a request that holds nothing else. */
function messageOf(architecture: Architecture): Buffer {
  const request = LogahService.service.Predict.requestSerialize({ architecture });
  let start = 1;
  while ((request[start] ?? 0) >= 128) start++;
  return request.subarray(start + 1);
}

/** A running server. Throws LogahError as `clientSecurity` does. */
async function targetOf(address: string, flags: ClientFlags): Promise<BridgeTarget> {
  const { tls, token } = await clientSecurity(flags);
  return {
    address,
    ...(tls && { tls: { kind: 'authorities', ...(tls === true ? {} : tls) } }),
    ...(typeof token === 'function' && { token }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
