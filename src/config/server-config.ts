/** Flags and environment variables -> one validated, frozen object of a server's settings. */

import { z } from 'zod';
import { LogahError } from '../errors';
import { isLoopbackHost } from '../loopback';
import { quoted } from '../untrusted-text';
import { address, autoOr, count, flag, megabytes } from './field-types';
import { SETTINGS, type SettingName } from './server-settings';

/** The host of a URL, without brackets; empty where it is none. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
}

const settings = z.object({
  address,
  tlsCert: z.string(),
  tlsKey: z.string(),
  tlsClientCa: z.string(),
  insecure: flag,
  explorerAddress: z.union([z.literal(''), address], 'must be HOST:PORT'),
  callers: z.string(),
  jwtIssuer: z.string(),
  jwtAudience: z.string(),
  jwtKeys: z
    .string()
    .refine((keys) => !/^http:/i.test(keys) || isLoopbackHost(hostOf(keys)), 'must be a file or an https URL')
    .refine((keys) => !/^https?:\/\/[^/]*@/i.test(keys), 'must hold no password'),
  models: z.string().min(1, 'must name a directory'),
  modelsPollSeconds: count(0, 86_400),
  defaultModel: z.string(),
  executionProvider: z.enum(['cpu', 'cuda', 'auto'], 'must be cpu, cuda or auto'),
  // `auto` depends on the provider, which is known once the library has been tried.
  workers: autoOr(count(1, 64, 'auto or ')),
  cudaDevices: z
    .string()
    .regex(/^\d{1,3}(?:,\d{1,3})*$/, 'must be indices with commas between them, such as 0,1')
    .transform((text) => text.split(',').map(Number))
    .refine((devices) => new Set(devices).size === devices.length, 'must name each device once'),
  tilesAhead: count(1, 64),
  admin: z.enum(['off', 'loopback'], 'must be off or loopback'),
  maxStreams: count(1, 100_000),
  maxCalls: count(1, 100_000),
  maxQueued: count(1, 100_000),
  maxQueueSeconds: count(1, 86_400),
  maxConnections: count(1, 100_000),
  maxConnectionAge: count(0, 1_000_000),
  maxConnectionAgeGrace: count(0, 1_000_000),
  maxNodes: count(1, 1_000_000),
  maxParameters: count(1, Number.MAX_SAFE_INTEGER),
  maxRequestBytes: count(1024, megabytes(1024)),
  maxMetadataBytes: count(1024, megabytes(1)),
  bufferBytes: count(megabytes(32), megabytes(65536)),
  cacheBytes: count(0, megabytes(65536)),
  stallSeconds: count(1, 86_400),
  shutdownGraceSeconds: count(0, 86_400),
  metricsAddress: z.union([z.enum(['', 'off']), address], 'must be HOST:PORT or off'),
  logLevel: z.enum(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    'must be trace, debug, info, warn, error or fatal',
  ),
});

/** What settings ask of each other. */
const schema = settings.superRefine((given, context) => {
  const refuse = (name: SettingName, message: string): void => {
    context.addIssue({ code: 'custom', path: [name], message });
  };
  const { address: listen, tlsCert, tlsKey, tlsClientCa, insecure, explorerAddress } = given;
  if (tlsCert === '' && tlsKey !== '') refuse('tlsKey', 'must come with --tls-cert');
  if (tlsCert !== '' && tlsKey === '') refuse('tlsCert', 'must come with --tls-key');
  if (tlsCert === '' && tlsClientCa !== '') refuse('tlsClientCa', 'must come with --tls-cert and --tls-key');
  if (tlsCert !== '' && insecure) refuse('insecure', 'must be false where there is --tls-cert');
  const jwt = ['jwtIssuer', 'jwtAudience', 'jwtKeys'] as const;
  if (jwt.some((name) => given[name] !== '')) {
    for (const name of jwt) {
      if (given[name] === '')
        refuse(name, 'must come with the other two of --jwt-issuer, --jwt-audience and --jwt-keys');
    }
    if (given.callers === '')
      refuse('callers', 'must name the callers by the subjects of their JSON Web Tokens');
  }
  const listenHost = (text: string): string => text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const host = listenHost(listen);
  if (tlsCert === '' && !insecure && !isLoopbackHost(host)) {
    refuse(
      'address',
      'is reached by other machines, in plain text: give --tls-cert and --tls-key, or, where a proxy or the network ' +
        'encrypts, --insecure (LOGAH_INSECURE=true)',
    );
  }
  if (explorerAddress === '') return;
  if (tlsClientCa !== '') {
    refuse(
      'explorerAddress',
      "leads to a server that asks for certificates (--tls-client-ca), and its visitors' do not get there: leave it out",
    );
  } else if (tlsCert === '' && !insecure && !isLoopbackHost(listenHost(explorerAddress))) {
    refuse(
      'explorerAddress',
      'is reached by other machines, in plain text: give --tls-cert and --tls-key, or --insecure where a proxy or the ' +
        'network encrypts',
    );
  }
});

/** The settings of a server. */
export type ServerConfig = Readonly<z.infer<typeof schema>>;

/**
 * Settings from flags, then environment variables, then defaults. `packageModels` is the directory of the models that
 * ship with the package. Throws LogahError (invalid_argument) that names each wrong flag or variable, what came and
 * what is allowed.
 */
export function loadConfig(
  flags: Readonly<Partial<Record<SettingName, string | true>>>,
  packageModels: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ServerConfig {
  const names = Object.keys(SETTINGS) as SettingName[];
  const values: Record<string, string> = {};
  const origins = new Map<string, string>();
  for (const name of names) {
    const setting = SETTINGS[name];
    const fallback = name === 'models' ? packageModels : setting.default;
    const given = flags[name];
    values[name] = (given === true ? 'true' : given) ?? environment[setting.variable] ?? fallback;
    origins.set(name, flags[name] === undefined ? setting.variable : (setting.flag.split(' ')[0] ?? name));
  }
  const result = schema.safeParse(values);
  if (result.success) return Object.freeze(result.data);
  const faults = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${origins.get(name) ?? name} is ${quoted(values[name]?.replace(/\/\/[^/]*@/, '//...@'))}; it ${issue.message}`;
  });
  throw new LogahError('invalid_argument', faults.join('; '));
}
