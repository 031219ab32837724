/** `logah predict`: predicts the parameters of a network and writes them to a safetensors file. */

import { basename, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { INPUT_HELP, readInputFile } from '../input-file';
import { interruptible } from '../interruption';
import {
  addRequestOptions,
  addServerOptions,
  addStreamOptions,
  directoryFrom,
  integerFrom,
  requestOf,
  type RequestFlags,
  type ServerFlags,
  type StreamFlags,
} from '../options';
import { NO_PROGRESS, progressOn } from '../output/progress';
import { printJson, reportJson, reportTable } from '../output/report';
import { savePrediction } from '../save-prediction';
import { withClients } from '../with-client';

/** More streams only wait for each other. */
const MAX_STREAMS = 64;

interface OutputFlags {
  readonly out?: string;
  readonly streams?: number;
  readonly resume: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

type PredictFlags = OutputFlags & ServerFlags & RequestFlags & StreamFlags;

/** The command. */
export function predictCommand(): Command {
  const command = new Command('predict')
    .description('predict the parameters of a network and write them to a safetensors file')
    .argument('<file>', INPUT_HELP)
    // Not commander's requiredOption: it would be missed before a misspelt `--otu` is.
    .option(
      '--out <directory>',
      'where to write model.safetensors (with --shard, shard-INDEX-of-COUNT.safetensors), and config.json beside it (required)',
      directoryFrom,
    );
  addServerOptions(addStreamOptions(addRequestOptions(command)));
  return command
    .addOption(
      new Option(
        '--streams <count>',
        'streams to fetch over at once (default: one for each server)',
      ).argParser(integerFrom(1, MAX_STREAMS)),
    )
    .addOption(
      new Option(
        '--resume',
        'where it fails or is interrupted, keep what came as NAME.partial beside the file, and go on with what an earlier run of ' +
          'the same prediction kept; over one stream, sent dense',
      )
        .default(false, 'nothing is kept')
        .conflicts(['streams', 'factors', 'representation']),
    )
    .addOption(
      new Option('--quiet', 'show neither progress nor the table, only warnings and errors').default(
        false,
        'both',
      ),
    )
    .addOption(new Option('--json', 'print one JSON object instead of the table').default(false, 'the table'))
    .action(async (file: string, flags: PredictFlags) => {
      const directory =
        flags.out ?? command.error("error: required option '--out <directory>' not specified");
      await interruptible((signal) => predict(file, directory, flags, signal));
    });
}

async function predict(
  file: string,
  directory: string,
  flags: PredictFlags,
  signal: AbortSignal,
): Promise<void> {
  const input = await readInputFile(file);
  const name = basename(resolve(directory));
  const job = {
    input,
    request: requestOf(input, flags),
    seed: flags.seed,
    directory,
    streams: flags.streams,
    resume: flags.resume,
    progress: flags.quiet ? NO_PROGRESS : progressOn(process.stderr, name),
  };
  const report = await withClients(flags, signal, (clients) => savePrediction(clients, job, signal));
  if (flags.json) {
    printJson(reportJson(report, flags.seed));
  } else if (!flags.quiet) {
    process.stdout.write(
      `${reportTable([[name, report]])}wrote ${report.path} (model ${report.plan.model})\n`,
    );
  }
}
