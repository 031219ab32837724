/** Replicas that are replaced one after the other, while callers go on. */

import { connect, type LogahClient, type PredictRequest } from '../../../src/client';
import { BUNDLE } from '../../support/parity-fixtures';
import { predictAll } from '../../support/predicted';
import { LARGE } from '../../support/requests';
import { startServer, type ServerProcess } from '../../support/server-process';

/** A part of GPT-2, some tens of megabytes, so that streams are cut off amid their data. */
const REQUEST: PredictRequest = { ...LARGE, selection: { patterns: ['transformer.h.0.*'] } };

const FLAGS = ['--workers', '1', '--shutdown-grace-seconds', '0'];

let replicas: ServerProcess[] = [];
let client: LogahClient | undefined;

afterEach(async () => {
  client?.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
});

it('no request fails while replicas are restarted one by one', async () => {
  const start = (...flags: string[]): Promise<ServerProcess> =>
    startServer({ models: BUNDLE, flags: [...FLAGS, ...flags] });
  replicas = await Promise.all([start(), start()]);
  const [first = '', ...others] = replicas.map(({ address }) => address);
  const shared = connect([first, ...others]);
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
