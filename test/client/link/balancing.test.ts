import { connect } from '../../../src/client';
import { SMALL } from '../../support/requests';
import { BUNDLE } from '../../support/parity-fixtures';
import { startServer, type ServerProcess } from '../../support/server-process';

let servers: readonly ServerProcess[];

beforeAll(async () => {
  servers = await Promise.all([1, 2, 3].map(() => startServer({ models: BUNDLE })));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

/** A target with the addresses of all servers, as a name has that resolves to every pod. */
const fleet = (): string => `ipv4:${servers.map(({ address }) => address).join(',')}`;

describe('a target of several addresses', () => {
  it('has calls take turns among them', async () => {
    const client = connect(fleet());
    const fingerprints: string[] = [];
    try {
      // Until all are connected to, those that are take the calls.
      while (new Set(answered()).size < servers.length) {
        fingerprints.push((await client.plan(SMALL)).fingerprint);
      }
    } finally {
      client.close();
    }
    expect(new Set(fingerprints).size).toBe(1);
  });

  it('goes on with the others where one is gone', async () => {
    const client = connect(fleet());
    try {
      await client.listModels();
      servers[0]?.kill('SIGKILL');
      await servers[0]?.exit;
      for (let call = 0; call < 6; call++) expect((await client.plan(SMALL)).model).toBe('parity-logah');
    } finally {
      client.close();
    }
  });
});

/** The servers that have logged a call. */
function answered(): number[] {
  return servers.flatMap(({ logs }, index) =>
    logs.some(({ method }) => method !== undefined) ? [index] : [],
  );
}
