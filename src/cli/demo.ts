/** `logah demo`: predicts the parameters of two well-known networks, and shows what that takes. */

import { join } from 'node:path';
import { Command } from 'commander';
import { readInputFile } from './input-file';
import { interruptible } from './interruption';
import { addServerOptions, requestOf, type ServerFlags } from './options';
import { packagePath } from './package-paths';
import { progressOn } from './progress';
import { reportTable } from './report';
import { savePrediction, type PredictionReport } from './save-prediction';
import { withClients } from './with-client';

/** Directories in `examples/`, each with a `config.json`. */
const NETWORKS = ['vit-base-patch16-224', 'gpt2'] as const;

const SEED = 0;

interface DemoFlags extends ServerFlags {
  readonly out: string;
}

/** The command. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description(`predict the parameters of ${NETWORKS.join(' and ')}, and show what that takes`)
    .option('--out <directory>', 'where to write a directory for each network', 'out');
  return addServerOptions(command).action(async (flags: DemoFlags) => {
    await interruptible((signal) => demo(flags, signal));
  });
}

async function demo(flags: DemoFlags, signal: AbortSignal): Promise<void> {
  const reports = await withClients(flags, signal, async (clients) => {
    const done: [string, PredictionReport][] = [];
    for (const name of NETWORKS) {
      const input = await readInputFile(packagePath('examples', name, 'config.json'));
      const job = {
        input,
        request: requestOf(input, { dtype: 'f32', seed: SEED, strict: false }),
        seed: SEED,
        directory: join(flags.out, name),
        progress: progressOn(process.stderr, name),
      };
      done.push([name, await savePrediction(clients, job, signal)]);
    }
    return done;
  });
  process.stdout.write(`\n${reportTable(reports)}`);
  process.stdout.write(reports.map(([, { path, plan }]) => `wrote ${path} (model ${plan.model})\n`).join(''));
}
