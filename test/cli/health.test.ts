import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Health } from '../../src/server/health';
import { runCli } from './run-cli';

const SERVICE = 'logah.v1.LogahService';

let server: Server;
let health: Health;
let address: string;

beforeEach(async () => {
  server = new Server();
  health = new Health(['', SERVICE]);
  health.addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  address = `127.0.0.1:${port}`;
});

afterEach(() => {
  server.forceShutdown();
});

describe('logah health', () => {
  it.each([[[]], [['--service', SERVICE]]])(
    'prints SERVING and ends with 0 where the server is well (%j)',
    async (flags) => {
      const run = await runCli('health', '--server', address, ...flags);
      expect(run).toEqual({ code: 0, stdout: 'SERVING\n', stderr: '' });
    },
  );

  it('asks a server of this machine itself, whatever proxies the environment has', async () => {
    const proxy = 'http://127.0.0.1:1';
    const environment = { http_proxy: proxy, HTTP_PROXY: proxy, grpc_proxy: proxy, https_proxy: proxy };
    Object.assign(process.env, environment);
    try {
      const run = await runCli('health', '--server', address);
      expect(run).toEqual({ code: 0, stdout: 'SERVING\n', stderr: '' });
    } finally {
      for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
    }
  });

  it('ends with 1 where the server drains', async () => {
    health.stopServing();
    const run = await runCli('health', '--server', address);
    expect(run).toEqual({ code: 1, stdout: 'NOT_SERVING\n', stderr: '' });
  });

  it('ends with 1 and says so where the server has no such service', async () => {
    const { code, stdout, stderr } = await runCli('health', '--server', address, '--service', 'other');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*other/);
  });

  it('ends with 1 and names the address where nothing listens', async () => {
    const { code, stderr } = await runCli('health', '--server', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toBe('error: server 127.0.0.1:1 is unavailable: connect ECONNREFUSED 127.0.0.1:1\n');
  });
});
