/** `logah check`: says whether a machine predicts what another does, on its CPU and its GPUs. */

import { Command, Option } from 'commander';
import { prepareCuda } from '../../../config/runtime';
import { LogahError } from '../../../errors';
import type { Bundles } from '../../../hypernet/bundle';
import { openBundles, readAliases } from '../../../hypernet/models-directory';
import { namedBundles } from '../../../server/planning/named-bundles';
import { cudaLibraries } from '../../../hypernet/cuda/cuda-libraries';
import { interruptible } from '../../interruption';
import { parseDevices } from '../../options';
import { printJson } from '../../output/report';
import { packagePath } from '../../package-paths';
import { compareAll } from './compare';
import { LARGEST_ERROR } from './comparison';
import { describeMachine, kernelDriver, listGpus, type Gpu } from './machine';
import { measure, nameOf, type CheckedNetwork, type Measurement } from './measure';
import { checkText } from './output';
import { recordOf, writeReference } from './reference';
import type { CheckReport } from './report';

interface CheckFlags {
  readonly executionProvider: 'cpu' | 'cuda' | 'auto';
  readonly cudaDevices?: readonly number[];
  readonly models?: string;
  readonly record: boolean;
  readonly json: boolean;
}

/** The command. */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'predict fixed networks on this machine, on the CPU and with CUDA, and compare them with each other and with what ' +
        `the models' bundles have on record; exit code 1: a relative error above ${LARGEST_ERROR}, or nothing to compare`,
    )
    .addOption(
      new Option(
        '--execution-provider <provider>',
        'what is checked; auto: the CPU, and CUDA where it loads; cuda: both, and it is an error where CUDA does not load',
      )
        .choices(['cpu', 'cuda', 'auto'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--cuda-devices <index,...>',
        'GPUs to check, as nvidia-smi numbers them (default: all)',
      ).argParser(parseDevices),
    )
    .option(
      '--models <directory>',
      'directory of model bundles (default: the models that ship with the package)',
    )
    .addOption(
      new Option(
        '--record',
        'write what the CPU predicts into each bundle as check.json, for other machines to compare with',
      ).default(false, 'compare with it'),
    )
    .addOption(new Option('--json', 'print one JSON object').default(false, 'tables'))
    .action(async (flags: CheckFlags) => {
      await interruptible((signal) => check(flags, signal));
    });
}

async function check(flags: CheckFlags, signal: AbortSignal): Promise<void> {
  const precision = prepareCuda();
  const directory = flags.models ?? packagePath('models');
  const bundles = namedBundles(await openBundles(directory), await readAliases(directory));
  const models = { bundles, directory };
  const gpus = await listGpus();
  const driver = (await kernelDriver()) ?? null;
  const libraries = flags.executionProvider === 'cpu' ? [] : await cudaLibraries();
  const cpu = await measure({ provider: 'cpu' }, models, signal);
  if (flags.record) {
    await record(bundles, cpu.networks);
    return;
  }
  const { measurements, withoutCuda } = await onCuda(flags, gpus, models, signal);
  const { comparisons, uncompared } = await compareAll(bundles, cpu, measurements);
  const largestError = Math.max(
    0,
    ...comparisons.flatMap(({ kinds }) => kinds.map((kind) => kind.relativeError)),
  );
  const report: CheckReport = {
    machine: describeMachine(),
    gpus,
    driver,
    precision,
    libraries,
    withoutCuda,
    speeds: [cpu, ...measurements].map(({ bytesPerSecond, peakMemoryBytes, placement }) => ({
      on: nameOf(placement),
      bytesPerSecond,
      peakMemoryBytes,
    })),
    comparisons,
    uncompared,
    largestError,
    isRight: comparisons.length > 0 && largestError <= LARGEST_ERROR,
  };
  if (flags.json) printJson(report);
  else process.stdout.write(checkText(report));
  if (withoutCuda !== null && flags.executionProvider === 'cuda') {
    throw new LogahError('failed_precondition', withoutCuda);
  }
  if (!report.isRight) process.exitCode = 1;
}

async function record(bundles: Bundles, networks: readonly CheckedNetwork[]): Promise<void> {
  for (const { manifest, directory } of bundles.values()) {
    const own = networks.filter(({ model }) => model === manifest.name);
    await writeReference(
      directory,
      Object.fromEntries(own.map(({ network, tensors }) => [network, recordOf(tensors)])),
    );
    process.stdout.write(`recorded ${own.map(({ network }) => network).join(', ')} of ${manifest.name}\n`);
  }
}

/** A measurement of each GPU, or why there is none. */
async function onCuda(
  { executionProvider, cudaDevices }: CheckFlags,
  gpus: readonly Gpu[],
  models: { readonly bundles: Bundles; readonly directory: string },
  signal: AbortSignal,
): Promise<{ readonly measurements: readonly Measurement[]; readonly withoutCuda: string | null }> {
  if (executionProvider === 'cpu') return { measurements: [], withoutCuda: 'not asked for' };
  const found = gpus.map(({ index }) => index);
  const measurements: Measurement[] = [];
  for (const device of cudaDevices ?? (found.length > 0 ? found : [0])) {
    try {
      measurements.push(await measure({ provider: 'cuda', device }, models, signal));
    } catch (error) {
      if (!(error instanceof LogahError) || signal.aborted) throw error;
      return { measurements, withoutCuda: error.message };
    }
  }
  return { measurements, withoutCuda: null };
}
