// Builds the clients in examples/clients whose toolchain the machine has, and runs them against a server of its own: their
// files must equal that of the TypeScript client byte for byte, also over TLS with a token, and no fault of an answer may
// leave a file behind.
//
//   node scripts/check-clients.mjs [--require go,cpp,java] [--only go]
//
// Fails where a client fails, where a required one had to be skipped, and where all were. Needs the build in dist/.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BREAKS, FAULTS, STALL, startFaultyProxy } from './faulty-proxy.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist/cli/main.js');
const config = join(root, 'examples/vit-tiny-patch16-224/config.json');
const SEED = '7';

/** What each client needs to be built: commands that answer, with what to look for. */
const NEEDS = {
  go: [
    ['go', 'version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'protoc-gen-go', 'protoc-gen-go-grpc'],
    [
      'ls',
      '/usr/share/gocode/src/google.golang.org/grpc',
      '/usr/share/gocode/src/google.golang.org/protobuf',
    ],
  ],
  cpp: [
    ['g++', '--version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'grpc_cpp_plugin'],
    ['pkg-config', '--exists', 'grpc++', 'protobuf', 'zlib'],
  ],
  java: [
    ['javac', '-version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'grpc_java_plugin'],
    [
      'ls',
      '/usr/share/java/grpc-netty.jar',
      '/usr/share/java/netty-codec-http2.jar',
      '/usr/share/java/netty-tcnative.jar',
      '/usr/share/java/perfmark-api.jar',
    ],
  ],
};

/** How each is called. */
const ARGUMENTS = {
  go: (server, file, out) => ['-seed', SEED, server, file, out],
  cpp: (server, file, out) => [server, file, out, SEED],
  java: (server, file, out) => [server, file, out, SEED],
};

/** Milliseconds; a client that hangs has failed. */
const LIMIT = 120_000;

const { values } = parseArgs({
  options: {
    require: { type: 'string', default: '' },
    only: { type: 'string', default: Object.keys(NEEDS).join() },
  },
});
const [required, chosen] = [values.require, values.only].map((names) => names.split(',').filter(Boolean));
const unknown = [...required, ...chosen].filter((language) => !(language in NEEDS));
if (unknown.length > 0) {
  throw new Error(`there are ${Object.keys(NEEDS).join(', ')}, not ${unknown.join(', ')}`);
}

const missing = (language) => NEEDS[language].find((command) => !succeeds(command))?.join(' ');

function succeeds([command, ...args]) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts `logah serve` on a free port and gives its address. */
async function startServer(flags = []) {
  const server = spawn(
    process.execPath,
    [cli, 'serve', '--address', '127.0.0.1:0', '--execution-provider', 'cpu', ...flags],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.once('exit', () => server.kill('SIGKILL'));
  for await (const line of createInterface({ input: server.stdout })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'listening') {
      server.stdout.resume();
      return { address: `127.0.0.1:${entry.port}`, stop: () => server.kill('SIGTERM') };
    }
  }
  throw new Error('the server ended before it listened');
}

/**
 * Starts a server with TLS that asks for certificates of clients and a token; `environment` is that of clients which have
 * both.
 */
async function startSecureServer(directory) {
  const path = (name) => join(directory, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-subj',
    '/CN=authority',
  );
  openssl('req', ...newKey, '-keyout', path('own.key'), '-out', path('own.csr'), '-subj', '/CN=signed');
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const authority = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial'];
  const content = ['-in', path('own.csr'), '-days', '1', '-extfile', path('names'), '-out', path('own.pem')];
  openssl('x509', '-req', ...authority, ...content);
  const made = execFileSync(process.execPath, [cli, 'token', 'create', 'client', '--scopes', 'models=*'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [token, line] = made.split('\n');
  writeFileSync(path('token'), `${token}\n`);
  writeFileSync(path('callers'), `${line}\n`);
  const tls = [
    '--tls-cert',
    path('own.pem'),
    '--tls-key',
    path('own.key'),
    '--tls-client-ca',
    path('ca.pem'),
  ];
  const server = await startServer([...tls, '--callers', path('callers')]);
  const environment = {
    LOGAH_CA: path('ca.pem'),
    LOGAH_CERT: path('own.pem'),
    LOGAH_KEY: path('own.key'),
    LOGAH_TOKEN_FILE: path('token'),
  };
  return { ...server, environment };
}

/** Runs a program to its end, asynchronously: the proxy answers it from this process. */
function run(program, args, { onStart = () => undefined, environment = {} } = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: LIMIT, env });
    onStart(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject).on('close', (code) => resolve({ code, stderr }));
  });
}

/** What is wrong with a client, as lines; empty if all is right. */
async function faultsOf(language, server, secure, proxy, expected, directory) {
  const program = join(root, 'examples/clients', language, 'build/predict');
  const out = join(directory, `${language}.safetensors`);
  const wrong = [];
  const predict = (address, file = config, environment = {}) =>
    run(program, ARGUMENTS[language](address, file, out), { environment });

  const { code, stderr } = await predict(server);
  if (code !== 0) return [`exit code ${code}: ${stderr}`];
  if (!readFileSync(out).equals(expected)) wrong.push('its file differs from that of the TypeScript client');

  rmSync(out);
  const secured = await predict(secure.address, config, secure.environment);
  if (secured.code !== 0) wrong.push(`over TLS: exit code ${secured.code}: ${secured.stderr}`);
  else if (!readFileSync(out).equals(expected)) wrong.push('over TLS: other bytes');

  for (const [name, fault] of Object.entries(BREAKS)) {
    proxy.choose(fault);
    const result = await predict(proxy.address);
    const { count, faults } = proxy.attempts();
    if (result.code !== 0)
      wrong.push(`${name}: exit code ${result.code} at attempt ${count}: ${result.stderr}`);
    else if (!readFileSync(out).equals(expected)) wrong.push(`${name}: other bytes`);
    wrong.push(...faults.map((line) => `${name}: ${line}`));
  }

  // What follows must leave this as it is.
  writeFileSync(out, 'an older file');
  const leavesNothing = (what) => {
    const left = readdirSync(directory).filter((name) => name.startsWith(`${language}.`));
    if (left.length !== 1 || readFileSync(out, 'utf8') !== 'an older file') {
      wrong.push(`${what}: left ${left.join(', ')}`);
    }
  };
  const refuses = async (what, says, address, file, environment) => {
    const result = await predict(address, file, environment);
    if (result.code !== 1 || !says.test(result.stderr)) {
      wrong.push(`${what}: exit code ${result.code}, expected 1 and ${says}; it said: ${result.stderr}`);
    }
    leavesNothing(what);
  };
  for (const [name, fault] of Object.entries(FAULTS)) {
    proxy.choose(fault);
    await refuses(name, fault.says, proxy.address);
  }
  const refused = join(directory, 'refused.json');
  writeFileSync(refused, readFileSync(config, 'utf8').replace('"hidden_size": 192', '"hidden_size": 0'));
  await refuses('a configuration that is refused', /invalid_?argument.*hidden_size/is, server, refused);
  await refuses('a configuration that is not there', /none\.json/, server, join(directory, 'none.json'));
  // Port 1 of the loopback: nobody listens.
  await refuses('a server that is not there', /unavailable.*refused/is, '127.0.0.1:1');
  const { LOGAH_TOKEN_FILE: tokenFile, ...anonymous } = secure.environment;
  await refuses('no token', /unauthenticated/i, secure.address, config, anonymous);
  await refuses('another authority', /unavailable/i, secure.address, config, { LOGAH_TLS: 'true' });
  await refuses('plain text to a port that speaks TLS', /speaks TLS/, secure.address);
  const trusting = { LOGAH_CA: secure.environment.LOGAH_CA };
  await refuses('TLS to a port that speaks plain text', /tls|ssl/i, server, config, trusting);
  // An address of no machine.
  const far = '192.0.2.1:50051';
  await refuses('a token in plain text', /plain text/, far, config, { LOGAH_TOKEN_FILE: tokenFile });
  proxy.choose(STALL);
  const onStart = (child) => {
    const watcher = watch(directory, (_, name) => {
      if (!name?.startsWith(`${language}.`) || !name.endsWith('.partial')) return;
      watcher.close();
      child.kill('SIGINT');
    });
  };
  const stopped = await run(program, ARGUMENTS[language](proxy.address, config, out), { onStart });
  if (stopped.code === 0) wrong.push('an interruption: exit code 0');
  leavesNothing('an interruption');
  return wrong;
}

const directory = mkdtempSync(join(tmpdir(), 'logah-clients-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const skipped = [];
const built = [];
for (const language of chosen) {
  const lacks = missing(language);
  if (lacks === undefined) {
    execFileSync('make', ['-C', join(root, 'examples/clients', language)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    built.push(language);
  } else {
    console.log(`skipped ${language}: "${lacks}" fails`);
    skipped.push(language);
  }
}
const lacking = required.filter((language) => skipped.includes(language));
if (lacking.length > 0) console.log(`required, but skipped: ${lacking.join(', ')}`);
const failed = [];
if (built.length > 0) {
  const server = await startServer();
  const typescript = join(directory, 'typescript');
  execFileSync(
    process.execPath,
    [cli, 'predict', config, '--out', typescript, '--server', server.address, '--seed', SEED, '--quiet'],
    {
      stdio: 'ignore',
    },
  );
  const expected = readFileSync(join(typescript, 'model.safetensors'));
  const proxy = await startFaultyProxy(server.address);
  const secure = await startSecureServer(directory);
  for (const language of built) {
    const wrong = await faultsOf(language, server.address, secure, proxy, expected, directory);
    if (wrong.length > 0) failed.push(language);
    console.log(
      wrong.length === 0
        ? `${language}: the same ${expected.length} bytes, also over TLS and behind ${Object.keys(BREAKS).length} breaks, and ` +
            `${Object.keys(FAULTS).length + 9} faults refused`
        : `${language}:\n  ${wrong.join('\n  ')}`,
    );
  }
  proxy.stop();
  secure.stop();
  server.stop();
}
console.log(`${built.length - failed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length > 0 || lacking.length > 0 || built.length === 0 ? 1 : 0;
