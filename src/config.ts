/** The server's settings: flags and environment variables -> one validated, frozen object. */

import { availableParallelism, homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { LogahError } from './errors';
import { isLoopbackHost } from './loopback';
import { nearestName } from './nearest-name';
import { quoted } from './untrusted-text';

/** One setting: its flag, its environment variable, and what it means. */
export interface Setting {
  /** As commander writes it. */
  readonly flag: string;
  readonly variable: string;
  readonly default: string;
  readonly description: string;
}

const megabytes = (count: number): number => count * 2 ** 20;

/** Every setting of `logah serve`, by its name in `ServerConfig`. */
export const SETTINGS = {
  address: {
    flag: '--address <host:port>',
    variable: 'LOGAH_ADDRESS',
    default: '127.0.0.1:50051',
    description: 'address to listen on; port 0 takes a free one',
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    variable: 'LOGAH_TLS_CERT',
    default: '',
    description:
      'certificate of the server in PEM, with those that lead to its root; read again when it changes (default: plain text)',
  },
  tlsKey: {
    flag: '--tls-key <file>',
    variable: 'LOGAH_TLS_KEY',
    default: '',
    description: 'private key of that certificate in PEM (default: none)',
  },
  tlsClientCa: {
    flag: '--tls-client-ca <file>',
    variable: 'LOGAH_TLS_CLIENT_CA',
    default: '',
    description:
      'certificates in PEM of which one must have signed the certificate of every client (default: clients need none)',
  },
  insecure: {
    flag: '--insecure',
    variable: 'LOGAH_INSECURE',
    default: 'false',
    description: 'speak plain text on an address that other machines reach; true or false',
  },
  explorerAddress: {
    flag: '--explorer-address <host:port>',
    variable: 'LOGAH_EXPLORER_ADDRESS',
    default: '',
    description:
      'also show the explorer, a page for browsers, here (default: nowhere); port 0 takes a free one',
  },
  callers: {
    flag: '--callers <file>',
    variable: 'LOGAH_CALLERS',
    default: '',
    description:
      'file of the callers that are answered, a line each: name, credential, scopes (default: everybody is); read again when it changes',
  },
  jwtIssuer: {
    flag: '--jwt-issuer <issuer>',
    variable: 'LOGAH_JWT_ISSUER',
    default: '',
    description: 'issuer of the JSON Web Tokens that are taken (default: none are)',
  },
  jwtAudience: {
    flag: '--jwt-audience <audience>',
    variable: 'LOGAH_JWT_AUDIENCE',
    default: '',
    description: 'whom the JSON Web Tokens must be meant for (default: none are taken)',
  },
  jwtKeys: {
    flag: '--jwt-keys <file|url>',
    variable: 'LOGAH_JWT_KEYS',
    default: '',
    description: "the issuer's JSON Web Key Set; a file is read again when it changes (default: none)",
  },
  models: {
    flag: '--models <directory>',
    variable: 'LOGAH_MODELS',
    default: '',
    description: 'directory of model bundles (default: the models that ship with the package)',
  },
  modelsPollSeconds: {
    flag: '--models-poll-seconds <seconds>',
    variable: 'LOGAH_MODELS_POLL_SECONDS',
    default: '5',
    description:
      'how often the models directory is looked at for changes; 0: only on SIGHUP and when asked to',
  },
  defaultModel: {
    flag: '--default-model <name>',
    variable: 'LOGAH_DEFAULT_MODEL',
    default: '',
    description:
      'model for families that no model was trained on (default: its manifest says so, or the first by name)',
  },
  executionProvider: {
    flag: '--execution-provider <cpu|cuda|auto>',
    variable: 'LOGAH_EXECUTION_PROVIDER',
    default: 'auto',
    description: 'where ONNX Runtime computes; auto: CUDA if it loads, else CPU with one warning',
  },
  workers: {
    flag: '--workers <count|auto>',
    variable: 'LOGAH_WORKERS',
    default: 'auto',
    description:
      'threads that encode and decode; auto: one less than processor cores, 1 to 4; with CUDA one for each device',
  },
  cudaDevices: {
    flag: '--cuda-devices <index,...>',
    variable: 'LOGAH_CUDA_DEVICES',
    default: '0',
    description: 'GPUs that the workers take in turn, as nvidia-smi numbers them; the CPU has no use for it',
  },
  tilesAhead: {
    flag: '--tiles-ahead <count>',
    variable: 'LOGAH_TILES_AHEAD',
    default: '4',
    description: 'tiles of up to 4 MiB that a stream decodes ahead of its reader',
  },
  admin: {
    flag: '--admin <off|loopback>',
    variable: 'LOGAH_ADMIN',
    default: 'off',
    description:
      'who may load, unload and reload models (AdminService): nobody, or whoever connects from this machine',
  },
  maxStreams: {
    flag: '--max-streams <count>',
    variable: 'LOGAH_MAX_STREAMS',
    default: '64',
    description: 'Predict calls at a time; more are refused with RESOURCE_EXHAUSTED',
  },
  maxCalls: {
    flag: '--max-calls <count>',
    variable: 'LOGAH_MAX_CALLS',
    default: '1024',
    description:
      'calls of any kind at a time, checks of health apart; more are refused with RESOURCE_EXHAUSTED',
  },
  maxConnections: {
    flag: '--max-connections <count>',
    variable: 'LOGAH_MAX_CONNECTIONS',
    default: '512',
    description: 'connections at a time; beyond them, the caller that has the most loses its idlest',
  },
  maxConnectionAge: {
    flag: '--max-connection-age <seconds>',
    variable: 'LOGAH_MAX_CONNECTION_AGE',
    default: '0',
    description: 'after which a connection takes no new calls, so that balancers spread them again; 0: never',
  },
  maxConnectionAgeGrace: {
    flag: '--max-connection-age-grace <seconds>',
    variable: 'LOGAH_MAX_CONNECTION_AGE_GRACE',
    default: '0',
    description: 'how long the calls of such a connection may take to finish; 0: as long as they do',
  },
  maxNodes: {
    flag: '--max-nodes <count>',
    variable: 'LOGAH_MAX_NODES',
    default: '2048',
    description:
      'nodes of an architecture graph; memory grows with their square, 2048 take about 0.5 GB a worker',
  },
  maxParameters: {
    flag: '--max-parameters <count>',
    variable: 'LOGAH_MAX_PARAMETERS',
    default: '1000000000000',
    description: 'parameters of an architecture',
  },
  maxRequestBytes: {
    flag: '--max-request-bytes <bytes>',
    variable: 'LOGAH_MAX_REQUEST_BYTES',
    default: `${megabytes(16)}`,
    description: 'size of a request message; more are refused with RESOURCE_EXHAUSTED',
  },
  bufferBytes: {
    flag: '--buffer-bytes <bytes>',
    variable: 'LOGAH_BUFFER_BYTES',
    default: `${megabytes(160)}`,
    description: 'memory for requests, plans, tiles and chunks, of all calls together',
  },
  cacheBytes: {
    flag: '--cache-bytes <bytes>',
    variable: 'LOGAH_CACHE_BYTES',
    default: `${megabytes(32)}`,
    description: 'memory for the embeddings of recent architectures',
  },
  stallSeconds: {
    flag: '--stall-seconds <seconds>',
    variable: 'LOGAH_STALL_SECONDS',
    default: '120',
    description: 'how long a reader may take nothing, or a request take to arrive, before the stream ends',
  },
  shutdownGraceSeconds: {
    flag: '--shutdown-grace-seconds <seconds>',
    variable: 'LOGAH_SHUTDOWN_GRACE_SECONDS',
    default: '30',
    description: 'after SIGTERM or SIGINT, how long streams in flight may take to finish',
  },
  metricsAddress: {
    flag: '--metrics-address <host:port|off>',
    variable: 'LOGAH_METRICS_ADDRESS',
    default: '',
    description:
      'address of /metrics, /livez and /readyz over HTTP, to nobody but whom the network lets through, or off ' +
      '(default: 127.0.0.1:9464 where that is free)',
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'LOGAH_LOG_LEVEL',
    default: 'info',
    description: 'trace, debug, info, warn, error or fatal',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** `otherwise` is what is allowed beside the numbers, in words. */
const count = (least: number, most: number, otherwise = ''): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d+$/, `must be ${otherwise}a whole number`)
    .transform(Number)
    .refine(
      (value) => value >= least && value <= most,
      `must ${otherwise && `be ${otherwise}`}lie between ${least} and ${most}`,
    );

/** The word `auto`, or what `numbers` takes, with its messages. */
const autoOr = (numbers: z.ZodType<number, string>): z.ZodType<number | 'auto', string> =>
  z.string().transform((text, context) => {
    if (text === 'auto') return text;
    const result = numbers.safeParse(text);
    if (result.success) return result.data;
    for (const { message } of result.error.issues) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** gRPC needs a core of its own: with a worker on each, all of them take turns, and none is faster. */
export const workersForThisMachine = (): number => Math.min(4, Math.max(1, availableParallelism() - 1));

const address = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, { error: 'must be HOST:PORT', abort: true })
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65535, 'has a port above 65535');

const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

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
  maxConnections: count(1, 100_000),
  maxConnectionAge: count(0, 1_000_000),
  maxConnectionAgeGrace: count(0, 1_000_000),
  maxNodes: count(1, 1_000_000),
  maxParameters: count(1, Number.MAX_SAFE_INTEGER),
  maxRequestBytes: count(1024, megabytes(1024)),
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
  if (tlsCert !== '') {
    refuse(
      'explorerAddress',
      'is in plain text, which a server with --tls-cert does not speak: leave it out',
    );
  } else if (!insecure && !isLoopbackHost(listenHost(explorerAddress))) {
    refuse(
      'explorerAddress',
      'is reached by other machines, in plain text: give --insecure where a proxy or the network encrypts',
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

/** Settings of the command line as a client. */
export const CLIENT_SETTINGS = {
  tls: {
    flag: '--tls',
    variable: 'LOGAH_TLS',
    default: '',
    description: 'speak TLS with the server; true or false (default: plain text)',
  },
  ca: {
    flag: '--ca <file>',
    variable: 'LOGAH_CA',
    default: '',
    description: 'authorities in PEM that are trusted, and with them TLS (default: those of Node.js)',
  },
  cert: {
    flag: '--cert <file>',
    variable: 'LOGAH_CERT',
    default: '',
    description: 'certificate of the client in PEM, for servers that ask for one (default: none)',
  },
  key: {
    flag: '--key <file>',
    variable: 'LOGAH_KEY',
    default: '',
    description: 'private key of that certificate in PEM (default: none)',
  },
  tokenFile: {
    flag: '--token-file <file>',
    variable: 'LOGAH_TOKEN_FILE',
    default: '',
    description:
      'file of the token that is sent with every call, over TLS or to this machine (default: none)',
  },
} as const satisfies Record<string, Setting>;

/** Paths of files; empty: none. */
export interface ClientConfig {
  readonly tls: boolean;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly tokenFile: string;
}

/** Flags as commander gives them. */
export type ClientFlags = Readonly<Partial<Record<keyof typeof CLIENT_SETTINGS, string | true>>>;

/** A client's settings from flags, then environment variables. Throws LogahError (invalid_argument). */
export function loadClientConfig(
  flags: ClientFlags,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ClientConfig {
  const valueOf = (name: keyof typeof CLIENT_SETTINGS): string => {
    const given = flags[name];
    return (given === true ? 'true' : given) ?? environment[CLIENT_SETTINGS[name].variable] ?? '';
  };
  const [tls, ca, cert, key] = [valueOf('tls'), valueOf('ca'), valueOf('cert'), valueOf('key')];
  if (!['', 'true', 'false'].includes(tls))
    throw new LogahError('invalid_argument', `LOGAH_TLS is ${quoted(tls)}; it must be true or false`);
  if (tls === 'false' && (ca !== '' || cert !== ''))
    throw new LogahError(
      'invalid_argument',
      'LOGAH_TLS is false; there must be neither --ca nor --cert then',
    );
  if ((cert === '') !== (key === ''))
    throw new LogahError('invalid_argument', '--cert and --key go together');
  return { tls: tls === 'true' || ca !== '' || cert !== '', ca, cert, key, tokenFile: valueOf('tokenFile') };
}

/** Variables that are no settings of a server: of the command line as a client, of Python's, and of tests. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  ...Object.values(CLIENT_SETTINGS).map(({ variable }) => variable),
  'LOGAH_CACHE',
  'LOGAH_PYTHON',
  'LOGAH_PARITY',
]);

/** A variable of the environment that begins like ours and that nothing reads, and the one that may be meant. */
export interface UnknownVariable {
  readonly name: string;
  readonly meant: string | undefined;
}

/** The variables of the environment that nothing reads, by name. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly UnknownVariable[] {
  const known = Object.values(SETTINGS).map(({ variable }): string => variable);
  return Object.keys(environment)
    .filter((name) => /^LOGAH_(?!TEST_)/i.test(name) && !known.includes(name) && !OTHER_VARIABLES.has(name))
    .sort()
    .map((name) => ({ name, meant: nearestName(name, known) }));
}

/** Settings that a server for one command does without: it listens for that command alone. */
const OF_SHARED_SERVERS: readonly SettingName[] = [
  'tlsCert',
  'tlsKey',
  'tlsClientCa',
  'insecure',
  'explorerAddress',
  'callers',
  'jwtIssuer',
  'jwtAudience',
  'jwtKeys',
];

/** The environment of a server that a command starts for itself. */
export function embeddedEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const without = new Set<string>(OF_SHARED_SERVERS.map((name) => SETTINGS[name].variable));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !without.has(name)));
}

/** How OpenTelemetry's data travels. */
export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

/** What OpenTelemetry's standard variables ask for; the exporters read the rest of them themselves. */
export interface OtlpSettings {
  /** Undefined: no traces are exported. */
  readonly traces: OtlpProtocol | undefined;
  /** Undefined: no metrics are exported. */
  readonly metrics: OtlpProtocol | undefined;
  readonly metricIntervalMs: number;
}

const METRIC_INTERVAL_MS = 60_000;

/**
 * Whether and how traces and metrics are exported: where an endpoint is given, or `otlp` as the exporter. Source:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function otlpSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): OtlpSettings {
  // An empty variable is one that is not set.
  const read = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const isOff = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT');
  const protocolOf = (signal: 'TRACES' | 'METRICS'): OtlpProtocol | undefined => {
    const exporters = read(`OTEL_${signal}_EXPORTER`)
      ?.split(',')
      .map((name) => name.trim());
    const isAsked =
      exporters?.includes('otlp') ??
      (endpoint !== undefined || read(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) !== undefined);
    if (isOff || !isAsked) return undefined;
    const name = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
    const given = read(name) ?? read('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
    if (given === 'grpc' || given === 'http/protobuf' || given === 'http/json') return given;
    const allowed = 'it must be grpc, http/protobuf or http/json';
    const variable = read(name) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : name;
    throw new LogahError('invalid_argument', `${variable} is ${quoted(given)}; ${allowed}`);
  };
  const interval = Number(read('OTEL_METRIC_EXPORT_INTERVAL') ?? METRIC_INTERVAL_MS);
  return {
    traces: protocolOf('TRACES'),
    metrics: protocolOf('METRICS'),
    metricIntervalMs: Number.isInteger(interval) && interval > 0 ? interval : METRIC_INTERVAL_MS,
  };
}

/** Where the command line keeps what it fetched: `logah` in XDG_CACHE_HOME, or else in `~/.cache`. */
export function cacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const given = environment.XDG_CACHE_HOME;
  // The specification has relative paths ignored.
  return join(given !== undefined && isAbsolute(given) ? given : join(homedir(), '.cache'), 'logah');
}

/**
 * Keeps ONNX Runtime from collecting usage data (a database under the home directory, and uploads). Must run before
 * its library is first loaded, and in the main thread: workers have only a copy of the environment.
 */
export function disableRuntimeTelemetry(environment: NodeJS.ProcessEnv = process.env): void {
  environment.ORT_DISABLE_TELEMETRY = '1';
}

/** What a variable makes of float32 products on a GPU. */
export interface CudaPrecision {
  /** Whether every product keeps the 24 bits of float32's mantissa; TF32 keeps 11. */
  readonly isExact: boolean;
  /** NVIDIA_TF32_OVERRIDE as it is in force. */
  readonly override: string;
}

/**
 * Sets what CUDA's libraries read when they load, where the operator has not: no TF32, which ONNX Runtime's provider
 * would use for every product, and devices in the order of `nvidia-smi`. Must run in the main thread, before they load.
 */
export function prepareCuda(environment: NodeJS.ProcessEnv = process.env): CudaPrecision {
  const override = (environment.NVIDIA_TF32_OVERRIDE ??= '0');
  environment.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  return { isExact: override === '0', override };
}
