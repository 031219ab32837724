/** JSON Web Tokens whose keys come from a URL, as an issuer rotates them. */

import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { Authority, contents } from '../../support/certificates';
import { callAny, guardedRpcs } from '../../support/guarded-calls';
import { BUNDLE } from '../../support/parity-fixtures';
import { startServer, type ServerProcess } from '../../support/server-process';
import { Issuer } from '../../support/tokens';

const SUBJECT = 'system:serviceaccount:ml:trainer';
const ISSUER = 'https://issuer.example';

let authority: Authority;
let issuer: Server;
let keys: string;
let asked = 0;
let server: ServerProcess;

/** Over TLS with a certificate that the server has to be told to trust. */
beforeAll(async () => {
  authority = new Authority();
  const { cert, key } = await contents(authority.sign());
  issuer = createServer({ cert, key }, (_, response) => {
    asked++;
    response.setHeader('content-type', 'application/json').end(keys);
  }).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const callers = join(authority.directory, 'callers');
  writeFileSync(callers, `trainer, jwt:${SUBJECT}, models=*\n`);
  const { port } = issuer.address() as AddressInfo;
  server = await startServer({
    models: BUNDLE,
    flags: [
      ...['--callers', callers, '--jwt-issuer', ISSUER, '--jwt-audience', 'logah'],
      ...['--jwt-keys', `https://localhost:${port}/keys`],
    ],
    environment: { NODE_EXTRA_CA_CERTS: authority.cert },
  });
});

afterAll(async () => {
  await server.stop();
  issuer.close();
  issuer.closeAllConnections();
  authority.remove();
});

/** The code of a call with a token of this issuer. */
async function calledWith(signer: Issuer): Promise<status> {
  const rpc = guardedRpcs('parity-logah').ListModels;
  if (rpc === undefined) throw new Error('no such RPC');
  const token = signer.token(signer.claims(SUBJECT));
  const { code } = await callAny(server.address, credentials.createInsecure(), rpc, `Bearer ${token}`);
  return code;
}

it('takes tokens by the keys of the moment, and those of a new key soon after it is published', async () => {
  const [first, second] = [new Issuer(ISSUER), new Issuer(ISSUER)];
  keys = first.keySet;
  expect(await calledWith(first)).toBe(status.OK);
  expect(await calledWith(first)).toBe(status.OK);
  expect(asked).toBe(1);
  // Not among the keys that there are.
  expect(await calledWith(second)).toBe(status.UNAUTHENTICATED);
  keys = second.keySet;
  while ((await calledWith(second)) !== status.OK) {
    // The issuer is asked again when it was not just asked.
  }
  expect(await calledWith(second)).toBe(status.OK);
  expect(await calledWith(first)).toBe(status.UNAUTHENTICATED);
  // However many tokens there were.
  expect(asked).toBeLessThan(5);
  expect(JSON.stringify(server.logs)).not.toContain('eyJ');
});

it('says that it cannot tell, rather than that the token is wrong, where the issuer answers no keys', async () => {
  keys = 'no keys';
  const stranger = new Issuer(ISSUER);
  let code: status;
  do code = await calledWith(stranger);
  while (code === status.UNAUTHENTICATED);
  expect(code).toBe(status.UNAVAILABLE);
});
