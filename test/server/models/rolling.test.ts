/** Replicas that are replaced one after the other, while callers go on. */

import { readFile } from 'node:fs/promises';
import { connect, type LogahClient, type PredictRequest } from '../../../src/client';
import { Authority, tlsFlags } from '../../support/certificates';
import { BUNDLE } from '../../support/parity-fixtures';
import { predictAll } from '../../support/predicted';
import { LARGE } from '../../support/requests';
import { startServer, type ServerProcess } from '../../support/server-process';

/** A part of GPT-2, some tens of megabytes, so that streams are cut off amid their data. */
const REQUEST: PredictRequest = { ...LARGE, selection: { patterns: ['transformer.h.0.*'] } };

const FLAGS = ['--workers', '1', '--shutdown-grace-seconds', '0'];

let authority: Authority;
let replicas: ServerProcess[] = [];
let client: LogahClient | undefined;

beforeAll(() => {
  authority = new Authority();
});

afterAll(() => {
  authority.remove();
});

afterEach(async () => {
  client?.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
});

it.each(['plain text', 'TLS'])('no request fails while replicas are restarted one by one, in %s', async (transport) => {
  const isSecure = transport === 'TLS';
  const transportFlags = isSecure ? tlsFlags(authority.sign()) : [];
  const start = (...flags: string[]): Promise<ServerProcess> =>
    startServer({ models: BUNDLE, flags: [...FLAGS, ...transportFlags, ...flags] });
  replicas = await Promise.all([start(), start()]);
  const [first = '', ...others] = replicas.map(({ address }) => address);
  const shared = connect([first, ...others], isSecure ? { tls: { ca: await readFile(authority.cert) } } : {});
  client = shared;
  const { data: expected } = await predictAll(shared, REQUEST);
  let rolling = true;
  const caller = async (): Promise<number> => {
    let count = 0;
    for (; rolling; count++) expect((await predictAll(shared, REQUEST)).data.equals(expected)).toBe(true);
    return count;
  };
  const callers = [caller(), caller()];
  for (const [index, replica] of replicas.entries()) {
    // Its streams are cut off amid their data, since it gives them no grace.
    const { address } = replica;
    await replica.stop();
    replicas[index] = await start('--address', address);
    // With this one there, too, there was a prediction.
    await predictAll(shared, REQUEST);
  }
  rolling = false;
  for (const count of await Promise.all(callers)) expect(count).toBeGreaterThan(0);
});
