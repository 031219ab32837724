/** The settings of `logah serve`: flags, variables, defaults and what they mean. */

import { kilobytes, megabytes } from './field-types';
import type { Setting } from './setting';

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
      'also show the explorer, a page for browsers, here, over TLS where the server speaks it (default: nowhere); port 0 ' +
      'takes a free one',
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
  maxQueued: {
    flag: '--max-queued <count>',
    variable: 'LOGAH_MAX_QUEUED',
    default: '256',
    description:
      'requests that wait to be planned; beyond them, the caller that has the most loses its newest, or this one is refused with RESOURCE_EXHAUSTED',
  },
  maxQueueSeconds: {
    flag: '--max-queue-seconds <seconds>',
    variable: 'LOGAH_MAX_QUEUE_SECONDS',
    default: '30',
    description:
      'how long a request may wait to be planned; one that would wait longer, or until after its deadline, is refused at once with RESOURCE_EXHAUSTED',
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
  maxMetadataBytes: {
    flag: '--max-metadata-bytes <bytes>',
    variable: 'LOGAH_MAX_METADATA_BYTES',
    default: `${kilobytes(16)}`,
    description:
      "names and values of a call's metadata, and 32 bytes for each pair, of which there may be 128; more reset the call, which clients read as RESOURCE_EXHAUSTED",
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
