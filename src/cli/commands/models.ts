/** `logah models`: lists the models of a server. */

import { Command, Option } from 'commander';
import type { ListModelsResponse } from '../../client';
import { formatCount } from '../output/format';
import { interruptible } from '../interruption';
import { addServerOptions, type ServerFlags } from '../options';
import { printJson } from '../output/report';
import { left, renderTable, right } from '../output/table';
import { withClient } from '../with-client';

interface ModelsFlags extends ServerFlags {
  readonly json: boolean;
}

/** The command. */
export function modelsCommand(): Command {
  return addServerOptions(new Command('models').description('list the models of a server'))
    .addOption(new Option('--json', 'print one JSON object').default(false, 'a table'))
    .action(async (flags: ModelsFlags) => {
      await interruptible(async (signal) => {
        const response = await withClient(flags, signal, (client) => client.listModels({ signal }));
        if (flags.json) {
          printJson({ ...response, models: response.models.map(modelJson) });
        } else {
          process.stdout.write(modelTable(response));
        }
      });
    });
}

/** With its training as an object, where the contract has it as a text. */
function modelJson({ trainingJson, ...model }: ListModelsResponse['models'][number]): object {
  const training: unknown = trainingJson === '' ? null : JSON.parse(trainingJson);
  return { ...model, training };
}

function modelTable({ models, defaultModel }: ListModelsResponse): string {
  const table = renderTable(
    [
      left('model'),
      left('decoder'),
      right('rank'),
      right('parameters'),
      left('families'),
      left('description'),
    ],
    models.map(({ name, builtIn, decoder, rank, parameters, families, description }) => [
      name,
      builtIn ? 'formula' : decoder,
      rank === 0 ? '-' : String(rank),
      formatCount(parameters),
      families.join(', ') || '-',
      description,
    ]),
  );
  return `${table}default for other families: ${defaultModel || 'none'}\n`;
}
