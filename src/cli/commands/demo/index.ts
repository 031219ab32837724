/** `logah demo`: shows what predicted networks can do without training, and what predicting large ones takes. */

import { join } from 'node:path';
import { Command } from 'commander';
import { writeWhole } from '../../../client/files/partial-file';
import { readInputFile } from '../../input-file';
import { interruptible } from '../../interruption';
import { addServerOptions, directoryFrom, requestOf, type ServerFlags } from '../../options';
import { packagePath } from '../../package-paths';
import { progressOn } from '../../output/progress';
import { reportTable } from '../../output/report';
import { savePrediction, type PredictionReport } from '../../save-prediction';
import { withFileErrors } from '../../../system-error';
import { withClients, type Clients } from '../../with-client';
import { answersPicture } from './answers-picture';
import { accuracy, classify } from './classify';
import { loadNetwork, type State } from './forward';
import { readImages } from './images';
import { defaultStart, predictedStart } from './starts';
import { readTokenizer, writeText } from './write-text';

/** Directories in `examples/`, each with a `config.json`; the first two with a `forward.onnx` as well. */
const IMAGES = 'vit-fashion';
const LANGUAGE = 'gpt2-kjv';
const LARGE = ['vit-base-patch16-224', 'gpt2'] as const;

const SEED = 0;
const TEXT = { prompt: 'And God said', tokens: 48, seed: 3 } as const;

interface DemoFlags extends ServerFlags {
  readonly out: string;
}

/** The command. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('show what predicted networks can do without training, and what predicting large ones takes')
    .option('--out <directory>', 'where to write a directory for each network', directoryFrom, 'out');
  return addServerOptions(command).action(async (flags: DemoFlags) => {
    await interruptible((signal) =>
      withClients(flags, signal, (clients) => demo(clients, flags.out, signal)),
    );
  });
}

async function demo(clients: Clients, out: string, signal: AbortSignal): Promise<void> {
  const predict = (name: string): Promise<PredictionReport> => predictExample(clients, name, out, signal);
  process.stdout.write(await showImages(await predict(IMAGES), out));
  process.stdout.write(await showText(await predict(LANGUAGE), out));
  const reports: [string, PredictionReport][] = [];
  for (const name of LARGE) reports.push([name, await predict(name)]);
  process.stdout.write(
    `\nTwo networks far beyond what these models were trained on, for speed and memory alone:\n\n${reportTable(reports)}`,
  );
  process.stdout.write(reports.map(([, { path, plan }]) => `wrote ${path} (model ${plan.model})\n`).join(''));
}

async function predictExample(
  clients: Clients,
  name: string,
  out: string,
  signal: AbortSignal,
): Promise<PredictionReport> {
  const input = await readInputFile(packagePath('examples', name, 'config.json'));
  const job = {
    input,
    request: requestOf(input, { dtype: 'f32', seed: SEED, strict: false }),
    seed: SEED,
    directory: join(out, name),
    progress: progressOn(process.stderr, name),
  };
  return savePrediction(clients, job, signal);
}

/** Classifies test images with a network's default and predicted start; writes a picture of the answers. */
async function showImages({ path }: PredictionReport, out: string): Promise<string> {
  const images = await readImages(packagePath('examples', IMAGES));
  const predicted = await predictedStart(path);
  const answersOf = (state: State) => withNetwork(IMAGES, state, (network) => classify(network, images));
  const [before, after] = [await answersOf(defaultStart(predicted, SEED)), await answersOf(predicted)];
  const percent = (answers: readonly number[]) => `${(100 * accuracy(answers, images)).toFixed(1)} %`;
  const picture = join(out, IMAGES, 'answers.svg');
  const headings = [
    `${percent(after)} right without a step of training (default start: ${percent(before)})`,
    'Fashion-MNIST test images, answered by a vision transformer whose weights were predicted',
  ] as const;
  await withFileErrors(`write ${picture}`, () =>
    writeWhole(picture, (file) => file.write(Buffer.from(answersPicture(images, after, headings)))),
  );
  return (
    `\nA vision transformer of a size that training never saw, on ${images.labels.length} test images of Fashion-MNIST,\n` +
    `without a step of training:\n\n` +
    `  default start  ${percent(before).padStart(7)}\n` +
    `  predicted      ${percent(after).padStart(7)}\n\n` +
    `Its answers: ${picture}\n`
  );
}

/** Text of a language model with its default and predicted start. */
async function showText({ path }: PredictionReport, out: string): Promise<string> {
  const predicted = await predictedStart(path);
  const tokenizer = await readTokenizer(join(out, LANGUAGE));
  const textOf = async (state: State) =>
    withNetwork(LANGUAGE, state, (network) => writeText(network, tokenizer, TEXT));
  return (
    '\nA GPT-2 in the manner of the King James Bible, without a step of training:\n\n' +
    `  default start  ${oneLine(await textOf(defaultStart(predicted, SEED)))}\n\n` +
    `  predicted      ${oneLine(await textOf(predicted))}\n`
  );
}

async function withNetwork<T>(
  name: string,
  state: State,
  use: (network: Awaited<ReturnType<typeof loadNetwork>>) => Promise<T>,
): Promise<T> {
  const network = await loadNetwork(packagePath('examples', name, 'forward.onnx'), state);
  try {
    return await use(network);
  } finally {
    await network.release();
  }
}

/** A text on one line; what is no printable character becomes a space. */
function oneLine(text: string): string {
  return text.replace(/[^\p{L}\p{N}\p{P}\p{S}]+/gu, ' ').trim();
}
