/** Flags that several commands share, and the request that they make. */

import { InvalidArgumentError, Option, type Command } from 'commander';
import { CLIENT_SETTINGS } from '../config/client-config';
import type { Setting } from '../config/setting';
import type { Representation } from '../gen/logah/v1/Representation';
import type { DataType } from '../gen/logah/v1/DataType';
import type { PredictRequest } from '../client';
import type { InputFile } from './input-file';
import type { ServerChoice } from './with-client';

/** Limits of `chunk_bytes` in the contract. */
const MIN_CHUNK_BYTES = 4096;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

/** Limit of `copies` in the contract. */
const MAX_COPIES = 1024;

/** Limit of `lift`, `strength` and `base` in the contract. */
const MAX_BLEND = 10;

/** Limit of `shard.count` in the contract. */
const MAX_SHARDS = 65536;

/** A day. */
const MAX_PATIENCE_SECONDS = 86_400;

const DATA_TYPES = {
  f32: 'DATA_TYPE_FLOAT32',
  f16: 'DATA_TYPE_FLOAT16',
  bf16: 'DATA_TYPE_BFLOAT16',
} as const satisfies Readonly<Record<string, DataType>>;

const REPRESENTATIONS = {
  dense: 'REPRESENTATION_DENSE',
  factors: 'REPRESENTATION_FACTORS',
  core: 'REPRESENTATION_CORE',
} as const satisfies Readonly<Record<string, Representation>>;

/** What the flags of `addServerOptions` give. */
export type ServerFlags = ServerChoice;

/** What the flags of `addRequestOptions` give. */
export interface RequestFlags {
  readonly model?: string;
  readonly dtype: keyof typeof DATA_TYPES;
  readonly seed: number;
  readonly select?: readonly string[];
  readonly shard?: { readonly index: number; readonly count: number };
  readonly strict: boolean;
  readonly copies?: number;
  readonly lift?: number;
  readonly strength?: number;
  readonly base?: number;
}

/** What the flags of `addStreamOptions` give. */
export interface StreamFlags {
  /** Bytes. */
  readonly chunkBytes: number;
  readonly sha256: boolean;
  readonly representation: keyof typeof REPRESENTATIONS;
  /** The same as "factors". */
  readonly factors: boolean;
}

/** The flag of a setting of the server. */
export function settingOption({ flag, variable, description, default: fallback }: Setting): Option {
  const shown = fallback === '' ? '' : `default: ${fallback}, `;
  return new Option(flag, `${description} (${shown}env: ${variable})`);
}

/** `--tls`, `--ca`, `--cert`, `--key` and `--token-file`. */
export function addSecurityOptions(command: Command): Command {
  for (const setting of Object.values(CLIENT_SETTINGS)) command.addOption(settingOption(setting));
  return command;
}

/** `--server`, `--models`, `--patience`, and those of security. */
export function addServerOptions(command: Command): Command {
  return addSecurityOptions(command)
    .addOption(
      new Option(
        '--server <host:port,...>',
        'server to ask, or several with the same models, of which the others go on where one fails (default: start one for this command on a free port of 127.0.0.1)',
      ).argParser(parseServers),
    )
    .addOption(
      new Option(
        '--models <directory>',
        'directory of model bundles for the server that is started (default: the models that ship with the package)',
      ).conflicts('server'),
    )
    .addOption(
      new Option(
        '--patience <seconds>',
        `how long a server may be away, from 0 to ${MAX_PATIENCE_SECONDS}, before the command fails; what has come is kept ` +
          'meanwhile (default: 60, and 2 where none has answered yet)',
      ).argParser(integerFrom(0, MAX_PATIENCE_SECONDS)),
    );
}

/** The flags that say what to predict. */
export function addRequestOptions(command: Command): Command {
  return command
    .option(
      '--model <name>',
      'model that predicts, or a built-in start such as default (see models; default: the server chooses by family)',
    )
    .addOption(
      new Option('--dtype <type>', 'element type of the tensors')
        .choices(Object.keys(DATA_TYPES))
        .default('f32'),
    )
    .addOption(
      new Option('--seed <number>', 'seed of what is drawn at random, 0 to 2^53 - 1')
        .argParser(integerFrom(0, Number.MAX_SAFE_INTEGER))
        .default(0),
    )
    .option(
      '--select <pattern...>',
      'send only tensors whose name matches a pattern; * is any run of characters, ? is one (default: all)',
    )
    .addOption(
      new Option(
        '--shard <index/count>',
        "send only one rank's rows of every tensor, as PyTorch's FSDP cuts dimension 0; 0/4 is the first of four " +
          '(default: all)',
      ).argParser(parseShard),
    )
    .addOption(
      new Option('--strict', 'refuse a network with parameters that are not predicted').default(
        false,
        'they are filled by rule',
      ),
    )
    .addOption(
      new Option(
        '--copies <count>',
        'make the network of so many copies of a narrower one that computes the same function, as the model predicts it; ' +
          '1 predicts the network as it is (default: as many as bring its widths into what the model was trained on)',
      ).argParser(integerFrom(1, MAX_COPIES)),
    )
    .addOption(
      new Option(
        '--lift <times>',
        'add seeded normal noise to what is predicted, so many times the standard deviation of each matrix, kernel and ' +
          `embedding, 0 to ${MAX_BLEND}; it has full rank, lets the copies of a narrower network part, and ` +
          'is sent dense or as cores (default: none)',
      ).argParser(parseNoise),
    )
    .addOption(
      new Option(
        '--strength <factor>',
        'multiply each predicted matrix, kernel and embedding by it, and have vectors as far from what they start as, ' +
          `above 0 and at most ${MAX_BLEND} (default: 1)`,
      ).argParser(parseStrength),
    )
    .addOption(
      new Option(
        '--base <times>',
        "add seeded normal noise to them, so many times the standard deviation of the network's own random start, " +
          `0 to ${MAX_BLEND}; for a long training of a language model, --strength 0.3 --base 1 (default: none)`,
      ).argParser(parseNoise),
    );
}

/** The flags that say how to send it. */
export function addStreamOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--chunk-bytes <bytes>', `largest chunk, ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES} bytes`)
        .argParser(integerFrom(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES))
        .default(1024 * 1024),
    )
    .addOption(
      new Option(
        '--representation <form>',
        'what is sent: every element, low-rank factors that are multiplied here, or what the factors are made of; the ' +
          'same tensors from far fewer bytes',
      )
        .choices(Object.keys(REPRESENTATIONS))
        .default('dense'),
    )
    .addOption(
      new Option('--factors', 'short for --representation factors')
        .default(false, 'dense')
        .conflicts(['shard', 'streams', 'representation']),
    )
    .addOption(
      new Option('--sha256', 'also compute and compare the SHA-256 of every tensor').default(
        false,
        'CRC-32 only',
      ),
    );
}

/** The request for the contract. */
export function requestOf(input: InputFile, flags: RequestFlags & Partial<StreamFlags>): PredictRequest {
  return {
    architecture: input.architecture,
    dtype: DATA_TYPES[flags.dtype],
    seed: flags.seed,
    strict: flags.strict,
    ...(flags.model !== undefined && { model: flags.model }),
    ...(flags.copies !== undefined && { copies: flags.copies }),
    ...(flags.lift !== undefined && { lift: flags.lift }),
    ...(flags.strength !== undefined && { strength: flags.strength }),
    ...(flags.base !== undefined && { base: flags.base }),
    ...(flags.select && { selection: { patterns: [...flags.select] } }),
    ...(flags.shard && { shard: flags.shard }),
    ...(flags.chunkBytes !== undefined && { chunkBytes: flags.chunkBytes }),
    ...(flags.representation !== undefined && {
      representation: REPRESENTATIONS[flags.factors === true ? 'factors' : flags.representation],
    }),
    ...(flags.sha256 !== undefined && { sha256: flags.sha256 }),
  };
}

function parseNoise(text: string): number {
  const times = parsePositive(text);
  if (!(times <= MAX_BLEND)) {
    throw new InvalidArgumentError(`Expected a number from 0 to ${MAX_BLEND}, such as 0.1.`);
  }
  return times;
}

function parseStrength(text: string): number {
  const factor = parsePositive(text);
  if (!(factor > 0 && factor <= MAX_BLEND)) {
    throw new InvalidArgumentError(`Expected a number above 0 and at most ${MAX_BLEND}, such as 0.3.`);
  }
  return factor;
}

/** A number of at least 0; NaN: the text is none. */
function parsePositive(text: string): number {
  return /^\d*\.?\d+(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
}

function parseShard(text: string): { index: number; count: number } {
  const match = /^(\d{1,5})\/(\d{1,5})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (!(index < count && count <= MAX_SHARDS)) {
    throw new InvalidArgumentError(
      `Expected INDEX/COUNT with INDEX below COUNT, at most ${MAX_SHARDS}, such as 0/4.`,
    );
  }
  return { index, count };
}

/** Reads "host:port,host:port,...". Throws commander's error where it is not that. */
function parseServers(text: string): [string, ...string[]] {
  const [first = '', ...others] = text.split(',').map(parseServer);
  return [first, ...others];
}

/** Reads "host:port". Throws commander's error where it is not that. */
export function parseServer(text: string): string {
  const port = Number(/^[^\s/]+:(\d{1,5})$/.exec(text)?.[1]);
  if (!(port >= 1 && port <= 65535)) {
    throw new InvalidArgumentError('Expected HOST:PORT, such as 127.0.0.1:50051.');
  }
  return text;
}

/** A directory's name; throws commander's error where there is none, as of a shell's variable that is not set. */
export function directoryFrom(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected a directory.');
  return text;
}

/** A parser of whole numbers; throws commander's error for any other text. */
export function integerFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Indices with commas between them. Throws InvalidArgumentError. */
export function parseDevices(text: string): readonly number[] {
  const devices = text.split(',').map(Number);
  if (!/^\d{1,3}(,\d{1,3})*$/.test(text) || new Set(devices).size < devices.length) {
    throw new InvalidArgumentError('Expected different indices with commas between them, such as 0,1.');
  }
  return devices;
}
