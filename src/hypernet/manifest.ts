/** The manifest of a model bundle: everything about a hypernetwork that its ONNX files do not tell. */

import { z } from 'zod';
import { LogahError } from '../errors';
import { LONGEST_IN_BYTES } from '../graph/distances';
import { quoted } from '../untrusted-text';
import { DECODER_KINDS } from './decoder-kind';
import { EXPANSION_FILE, requiredFiles } from './required-files';

/**
 * Manifest versions that this server reads. 1: an encoder that holds all pairs of nodes at a time, and a decoder of the
 * factors of one node; 2: an encoder of blocks of nodes, and a decoder of the cores of many nodes.
 */
export const MANIFEST_VERSIONS = [1, 2] as const;

/** What a tokenizer may consist of, by the names that transformers gives. */
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const;

/** Smallest and largest value that training saw, both included. */
export type Range = readonly [number, number];

/** Largest size of a hypernetwork that makes any sense, and that buffers can be made for. */
const MAX_SIZE = 2 ** 24;
const MAX_TEXT = 4096;

const size = z.int().min(1).max(MAX_SIZE);
const word = z.string().max(256);
const range = z.tuple([z.number(), z.number()]);

const hypernetFields = z.object({
  hid: size,
  heads: size,
  layers: size,
  /** Rank r of the factors; 0 for `dense`. */
  rank: z.int().min(0).max(MAX_SIZE),
  /** Rows of each factor; 0 for `dense`. */
  ck: z.int().min(0).max(MAX_SIZE),
  /** Sizes (out, in, height, width) above which a dimension is tiled. */
  max_shape: z.tuple([size, size, size, size]),
  num_classes: size,
  decoder: z.enum(DECODER_KINDS),
  /** The scale of predicted weights: by fan-in, or to the standard deviation that the architecture initialises with. */
  normalization: z.enum(['fan_in', 'std']),
  /** Scale of embeddings: as decoded, or by fan-in as other matrices are. */
  embedding_scale: z.enum(['none', 'fan_in']).default('none'),
  operations: z.array(word.min(1)).min(1).max(1024),
  /** Longest shortest path that counts, in edges. */
  cutoff: size,
  /** Blocks that the decoder tells apart although their nodes look alike; 1: none. */
  slots: size,
});

const hypernet = hypernetFields.superRefine((fields, context) => {
  const { decoder, rank, ck, normalization } = fields;
  const [out, input] = fields.max_shape;
  if (decoder === 'dense') {
    if (normalization === 'std') {
      const message = 'is std; a dense decoder has no factors to measure, so only fan_in is allowed';
      context.addIssue({ code: 'custom', path: ['normalization'], message });
    }
    return;
  }
  if (rank < 1)
    context.addIssue({ code: 'custom', path: ['rank'], message: `is ${rank}; ${decoder} needs at least 1` });
  // The published decoder lays the weight and the bias of a vector out one behind the other.
  const rows = Math.max(decoder === 'low_rank' ? 2 * out : out, input);
  if (ck >= rows) return;
  const message = `is ${ck}; ${decoder} with max_shape ${out}, ${input} needs at least ${rows}`;
  context.addIssue({ code: 'custom', path: ['ck'], message });
});

const training = z.looseObject({
  /** By family, then by the configuration's own name of the size. */
  ranges: z.record(z.string(), z.record(z.string(), range)),
});

const file = z.object({
  /** Lower-case hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(1),
});

/** The tokenizer that a language model was trained with. */
const tokenizer = z.object({
  /** Number of tokens: the `vocab_size` of networks that read it. */
  vocab_size: size,
  /** Among the bundle's files. */
  files: z.array(z.enum(TOKENIZER_FILES)).min(1),
});

const schema = z.object({
  format: z.literal('logah-bundle'),
  version: z.literal(MANIFEST_VERSIONS),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  description: z.string().max(MAX_TEXT),
  license: word,
  files: z.record(z.string(), file),
  hypernet,
  parameters: z.int().min(0),
  families: z.array(word).max(1024),
  /** Whether it answers for families that no model was trained on, where a server is not told which does. */
  default: z.boolean().default(false),
  training: training.nullable(),
  tokenizer: tokenizer.nullable().default(null),
});

/** Sizes and conventions of the hypernetwork; see `python/logah/hypernet/config.py` for each field. */
export type HypernetConfig = Readonly<z.infer<typeof hypernet>>;

/** A validated manifest. */
export type Manifest = Readonly<z.infer<typeof schema>>;

/** Parses a manifest. Throws LogahError (failed_precondition) that names `path`, the field and what is allowed. */
export function parseManifest(text: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LogahError('failed_precondition', `${path}: not JSON`, { cause });
  }
  const version = z.object({ version: z.unknown() }).safeParse(value).data?.version;
  if (MANIFEST_VERSIONS.every((known) => known !== version)) {
    throw new LogahError(
      'failed_precondition',
      `${path}: version is ${version === undefined ? 'missing' : quoted(version)}; this server reads versions ${MANIFEST_VERSIONS.join(' and ')}`,
    );
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new LogahError('failed_precondition', `${path}: ${issues.join('; ')}`);
  }
  const required = [...requiredFiles(result.data), ...(result.data.tokenizer?.files ?? [])];
  const missing = required.filter((name) => !(name in result.data.files));
  if (missing.length > 0) {
    throw new LogahError('failed_precondition', `${path}: files lacks ${missing.join(', ')}`);
  }
  const { files, hypernet: config } = result.data;
  if (result.data.version > 1 && config.cutoff > LONGEST_IN_BYTES) {
    throw new LogahError(
      'failed_precondition',
      `${path}: hypernet.cutoff is ${config.cutoff}; at most ${LONGEST_IN_BYTES} is allowed`,
    );
  }
  const found = files[EXPANSION_FILE]?.bytes;
  const expected = config.ck * (config.rank + 1) * 4;
  if (found !== undefined && found !== expected) {
    throw new LogahError(
      'failed_precondition',
      `${path}: files.${EXPANSION_FILE}.bytes is ${found}; ck ${config.ck} and rank ${config.rank} make ${expected}`,
    );
  }
  return result.data;
}
