import { loadConfig } from '../src/config/server-config';
import { SETTINGS, type SettingName } from '../src/config/server-settings';
import { refusalOf } from './support/refusal';

type Flags = Partial<Record<SettingName, string | true>>;

const JWT = { callers: 'c', jwtIssuer: 'i', jwtAudience: 'a' };

describe('the configuration', () => {
  it('has the documented defaults, and the models of the package', () => {
    expect(loadConfig({}, '/package/models', {})).toEqual({
      address: '127.0.0.1:50051',
      admin: 'off',
      modelsPollSeconds: 5,
      tlsCert: '',
      tlsKey: '',
      tlsClientCa: '',
      insecure: false,
      callers: '',
      jwtIssuer: '',
      jwtAudience: '',
      jwtKeys: '',
      models: '/package/models',
      defaultModel: '',
      executionProvider: 'auto',
      workers: 'auto',
      cudaDevices: [0],
      tilesAhead: 4,
      maxCalls: 1024,
      maxConnections: 512,
      maxConnectionAge: 0,
      maxConnectionAgeGrace: 0,
      bufferBytes: 160 * 2 ** 20,
      stallSeconds: 120,
      maxStreams: 64,
      maxNodes: 2048,
      maxParameters: 1e12,
      maxRequestBytes: expect.any(Number) as number,
      maxMetadataBytes: 16 * 2 ** 10,
      maxQueued: 256,
      maxQueueSeconds: 30,
      cacheBytes: 32 * 2 ** 20,
      shutdownGraceSeconds: 30,
      metricsAddress: '',
      explorerAddress: '',
      logLevel: 'info',
    });
  });

  it('takes a flag before a variable, and a variable before the default', () => {
    const environment = { LOGAH_WORKERS: '3', LOGAH_MAX_STREAMS: '7' };
    expect(loadConfig({ workers: '5' }, 'm', environment)).toMatchObject({ workers: 5, maxStreams: 7 });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfig({}, 'm', {}))).toBe(true);
  });

  it.each([
    [{ address: 'localhost' }, '--address is "localhost"; it must be HOST:PORT'],
    [{ address: '127.0.0.1:99999' }, '--address is "127.0.0.1:99999"; it has a port above 65535'],
    [{ address: 'a b:1' }, '--address is "a b:1"; it must be HOST:PORT'],
    [{ tlsCert: 'a.pem' }, '--tls-cert is "a.pem"; it must come with --tls-key'],
    [{ tlsKey: 'a.key' }, '--tls-key is "a.key"; it must come with --tls-cert'],
    [{ tlsClientCa: 'ca.pem' }, '--tls-client-ca is "ca.pem"; it must come with --tls-cert and --tls-key'],
    [
      { tlsCert: 'a.pem', tlsKey: 'a.key', insecure: true },
      '--insecure is "true"; it must be false where there is --tls-cert',
    ],
    [
      { ...JWT, jwtKeys: 'http://issuer.example/jwks' },
      '--jwt-keys is "http://issuer.example/jwks"; it must be a file or an https URL',
    ],
    [
      { ...JWT, jwtKeys: 'https://a:b@issuer.example' },
      '--jwt-keys is "https://...@issuer.example"; it must hold no password',
    ],
    [
      { callers: 'c', jwtKeys: 'keys.json', jwtIssuer: 'i' },
      'LOGAH_JWT_AUDIENCE is ""; it must come with the other two of --jwt-issuer, --jwt-audience and --jwt-keys',
    ],
    [
      { jwtKeys: 'keys.json', jwtIssuer: 'i', jwtAudience: 'a' },
      'LOGAH_CALLERS is ""; it must name the callers by the subjects of their JSON Web Tokens',
    ],
    [{ models: '' }, '--models is ""; it must name a directory'],
    [{ executionProvider: 'tpu' }, '--execution-provider is "tpu"; it must be cpu, cuda or auto'],
    [{ workers: '0' }, '--workers is "0"; it must be auto or lie between 1 and 64'],
    [{ workers: '2.5' }, '--workers is "2.5"; it must be auto or a whole number'],
    [
      { cudaDevices: '0,' },
      '--cuda-devices is "0,"; it must be indices with commas between them, such as 0,1',
    ],
    [{ cudaDevices: '1,1' }, '--cuda-devices is "1,1"; it must name each device once'],
    [{ workers: '-1' }, '--workers is "-1"; it must be auto or a whole number'],
    [{ tilesAhead: '65' }, '--tiles-ahead is "65"; it must lie between 1 and 64'],
    [{ maxStreams: '' }, '--max-streams is ""; it must be a whole number'],
    [{ maxNodes: 'many' }, '--max-nodes is "many"; it must be a whole number'],
    [{ maxParameters: '0' }, '--max-parameters is "0"; it must lie between 1 and 9007199254740991'],
    [{ maxRequestBytes: '10' }, '--max-request-bytes is "10"; it must lie between 1024 and 1073741824'],
    [{ cacheBytes: '1e9' }, '--cache-bytes is "1e9"; it must be a whole number'],
    [
      { shutdownGraceSeconds: '86401' },
      '--shutdown-grace-seconds is "86401"; it must lie between 0 and 86400',
    ],
    [{ logLevel: 'loud' }, '--log-level is "loud"; it must be trace, debug, info, warn, error or fatal'],
  ] satisfies [Flags, string][])(
    'refuses %j, saying what came and what is allowed',
    async (flags, message) => {
      const error = await refusalOf(() => loadConfig(flags, 'm', {}));
      expect(error.kind).toBe('invalid_argument');
      expect(error.message).toBe(message);
    },
  );

  it('names the variable where the value came from there, and lists every wrong one', async () => {
    const environment = { LOGAH_WORKERS: 'two', LOGAH_LOG_LEVEL: 'info' };
    const error = await refusalOf(() => loadConfig({ tilesAhead: '0' }, 'm', environment));
    expect(error.message).toBe(
      'LOGAH_WORKERS is "two"; it must be auto or a whole number; --tiles-ahead is "0"; it must lie between 1 and 64',
    );
  });

  it('accepts IPv6 addresses in brackets', () => {
    expect(loadConfig({ address: '[::1]:0' }, 'm', {}).address).toBe('[::1]:0');
  });

  it.each(['0.0.0.0:50051', '[::]:50051', 'logah.example:50051', '192.0.2.1:0', '127.0.0.1.example:1'])(
    'refuses plain text on %s, and names both ways out',
    async (address) => {
      const error = await refusalOf(() => loadConfig({ address }, 'm', {}));
      expect(error.message).toBe(
        `--address is "${address}"; it is reached by other machines, in plain text: give --tls-cert and --tls-key, ` +
          'or, where a proxy or the network encrypts, --insecure (LOGAH_INSECURE=true)',
      );
      expect(loadConfig({ address, insecure: true }, 'm', {}).insecure).toBe(true);
      expect(loadConfig({ address }, 'm', { LOGAH_INSECURE: 'true' }).insecure).toBe(true);
      expect(loadConfig({ address, tlsCert: 'a', tlsKey: 'b' }, 'm', {}).address).toBe(address);
    },
  );

  it.each(['127.0.0.1:0', '127.1.2.3:1', '[::1]:0', 'localhost:50051', 'LOCALHOST:1'])(
    'takes plain text on %s, which this machine alone reaches',
    (address) => {
      expect(loadConfig({ address }, 'm', {}).address).toBe(address);
    },
  );

  it('has a flag and a variable of the same words for every setting', () => {
    for (const { flag, variable } of Object.values(SETTINGS)) {
      const words = (flag.split(' ')[0] ?? '').slice(2).replaceAll('-', '_').toUpperCase();
      expect(variable).toBe(`LOGAH_${words}`);
    }
  });
});
