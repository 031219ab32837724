/** `logah predict`: predicts the parameters of a network and writes them to a safetensors file. */

import { basename } from 'node:path';
import { Command } from 'commander';
import { readInputFile } from './input-file';
import { interruptible } from './interruption';
import {
  addRequestOptions,
  addServerOptions,
  addStreamOptions,
  requestOf,
  type RequestFlags,
  type ServerFlags,
  type StreamFlags,
} from './options';
import { NO_PROGRESS, progressOn } from './progress';
import { printJson, reportJson, reportTable } from './report';
import { savePrediction } from './save-prediction';
import { withClient } from './with-client';

interface PredictFlags extends ServerFlags, RequestFlags, StreamFlags {
  readonly out: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** The command. */
export function predictCommand(): Command {
  const command = new Command('predict')
    .description('predict the parameters of a network and write them to a safetensors file')
    .argument('<file>', 'a transformers config.json, or an architecture graph in JSON')
    .requiredOption(
      '--out <directory>',
      'where to write model.safetensors, and config.json beside it (required)',
    );
  addServerOptions(addStreamOptions(addRequestOptions(command)));
  return command
    .option('--quiet', 'show neither progress nor the table, only warnings and errors (default: both)', false)
    .option('--json', 'print one JSON object instead of the table (default: the table)', false)
    .action(async (file: string, flags: PredictFlags) => {
      await interruptible((signal) => predict(file, flags, signal));
    });
}

async function predict(file: string, flags: PredictFlags, signal: AbortSignal): Promise<void> {
  const input = await readInputFile(file);
  const name = basename(flags.out);
  const job = {
    input,
    request: requestOf(input, flags),
    seed: flags.seed,
    directory: flags.out,
    progress: flags.quiet ? NO_PROGRESS : progressOn(process.stderr, name),
  };
  const report = await withClient(flags, signal, (client) => savePrediction(client, job, signal));
  if (flags.json) {
    printJson(reportJson(report, flags.seed));
  } else if (!flags.quiet) {
    process.stdout.write(
      `${reportTable([[name, report]])}wrote ${report.path} (model ${report.plan.model})\n`,
    );
  }
}
