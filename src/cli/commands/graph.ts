/** `logah graph`: prints the architecture graph that a file stands for, as the server would read it. */

import { Command } from 'commander';
import { architectureGraph } from '../../architecture';
import { toProtoGraph } from '../../architecture/explicit-graph';
import { formatGraphJson } from '../../architecture/graph-json';
import { loadConfig } from '../../config/server-config';
import { SETTINGS, type SettingName } from '../../config/server-settings';
import type { Architecture, Architecture__Output } from '../../gen/logah/v1/Architecture';
import { LogahService } from '../../contract/service-clients';
import { INPUT_HELP, readInputFile } from '../input-file';
import { settingOption } from '../options';
import { printWarnings } from '../output/warnings';
import { packagePath } from '../package-paths';

/** The command. */
export function graphCommand(): Command {
  return new Command('graph')
    .description('print the architecture graph of a network in JSON, which every command reads in its place')
    .argument('<file>', INPUT_HELP)
    .addOption(settingOption(SETTINGS.maxNodes))
    .addOption(settingOption(SETTINGS.maxParameters))
    .action(async (file: string, flags: Partial<Record<SettingName, string>>) => {
      const { architecture } = await readInputFile(file);
      const graph = architectureGraph(asReceived(architecture), loadConfig(flags, packagePath('models')));
      printWarnings({ warnings: graph.warnings ?? [], notes: graph.notes ?? [] });
      process.stdout.write(formatGraphJson(toProtoGraph(graph)));
    });
}

/** The message as it arrives at a server, with the defaults of the contract for what the file leaves out. */
function asReceived(architecture: Architecture): Architecture__Output | null | undefined {
  const { requestSerialize, requestDeserialize } = LogahService.service.Plan;
  return requestDeserialize(requestSerialize({ request: { architecture } })).request?.architecture;
}
