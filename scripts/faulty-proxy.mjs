// A server that passes predictions on from another one, each with a fault of its own.
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const { LogahService } = require('../dist/contract/service-clients.js');
const { encodeStatusDetails, STATUS_DETAILS_KEY } = require('../dist/contract/rpc-status.js');
const { CHANNEL_OPTIONS } = require('../dist/client/link/channel.js');

const replace = (messages, index, message) => messages.map((one, at) => (at === index ? message : one));
const without = (messages, index) => messages.filter((_, at) => at !== index);
const last = (messages) => messages.length - 1;

/** The plan as the first message, with other tensors. */
function withTensors([first, ...rest], change) {
  return [{ ...first, plan: { ...first.plan, tensors: change(first.plan.tensors) } }, ...rest];
}

/** The first chunk with its last byte changed. */
function damaged(messages) {
  const { offset, data } = messages[1].chunk;
  const changed = Buffer.from(data);
  changed[changed.length - 1] ^= 1;
  return replace(messages, 1, { message: 'chunk', chunk: { offset, data: changed } });
}

/**
 * By name, what becomes of the messages of a right answer (the plan, at least two chunks, the summary), what a client must
 * say, and a status with which the stream ends instead of OK.
 */
export const FAULTS = {
  'a stream that ends before its plan': { answer: () => [], says: /ended before the plan/ },
  'a stream that ends before its summary': {
    answer: (m) => m.slice(0, -1),
    says: /ended before the summary/,
  },
  'no plan': { answer: (m) => m.slice(1), says: /first message is not the plan/ },
  'a plan that leaves out a parameter': {
    answer: (m) => withTensors(m, (tensors) => tensors.slice(0, -1)),
    says: /plan: total_bytes/,
  },
  'a plan that does not send a parameter': {
    answer: (m) => withTensors(m, (tensors) => replace(tensors, 0, { ...tensors[0], sent: false })),
    says: /not sent/,
  },
  'a plan with a wrong offset': {
    answer: (m) => withTensors(m, (tensors) => replace(tensors, 1, { ...tensors[1], offset: 4 })),
    says: /begin/,
  },
  'chunks in another order': {
    answer: ([plan, first, second, ...rest]) => [plan, second, first, ...rest],
    says: /chunk begins at byte \d+, expected 0/,
  },
  'a chunk that comes twice': {
    answer: (m) => [...m.slice(0, 2), ...m.slice(1)],
    says: /chunk begins at byte 0, expected \d+/,
  },
  'a chunk left out': { answer: (m) => without(m, last(m) - 1), says: /data ends at byte/ },
  'more data than planned': {
    answer: (m) => [
      ...m.slice(0, -1),
      { message: 'chunk', chunk: { offset: m[0].plan.totalBytes, data: Buffer.alloc(4) } },
    ],
    says: /expected 1 to 0/,
  },
  'a damaged byte': { answer: damaged, says: /came damaged/ },
  'a summary of other tensors': {
    answer: (m) => {
      const { summary } = m[last(m)];
      return replace(m, last(m), {
        message: 'summary',
        summary: { ...summary, digests: summary.digests.slice(1) },
      });
    },
    says: /digests/,
  },
  'a message behind the summary': { answer: (m) => [...m, m[1]], says: /behind the summary/ },
  'an error of the service amid the stream': {
    answer: (m) => m.slice(0, 3),
    code: status.INTERNAL,
    details: { reason: 'INTERNAL' },
    says: /internal.*a fault on purpose/i,
  },
  'a stream that goes on with another plan': {
    answer: (m, attempt) => {
      if (attempt === 0) return m.slice(0, 3);
      const { plan } = m[0];
      return replace(m, 0, { message: 'plan', plan: { ...plan, fingerprint: 'f'.repeat(64) } });
    },
    code: status.UNAVAILABLE,
    says: /fingerprint.*expected/,
  },
};

/** Two chunks, and then the end that is given; the third attempt is whole. */
const brokenTwice = (end) => ({
  answer: (m, attempt) => (attempt < 2 ? m.slice(0, 3) : m),
  ...end,
  isWhole: (attempt) => attempt >= 2,
});

/**
 * By name, what a client must get over: nothing is wrong with what comes, but not all of it does, the first times. Proxies
 * make any status of a server that they lost.
 */
export const BREAKS = {
  'a server that goes away amid the stream': brokenTwice({ code: status.UNAVAILABLE }),
  ...Object.fromEntries(
    ['INTERNAL', 'UNKNOWN', 'CANCELLED', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED'].map((name) => [
      `a proxy that says ${name} amid the stream`,
      brokenTwice({ code: status[name] }),
    ]),
  ),
  'a proxy that ends the stream as if that were all': brokenTwice({}),
  'a server that stops amid the stream': brokenTwice({
    code: status.UNAVAILABLE,
    details: { reason: 'UNAVAILABLE', retryAfterMs: 0 },
  }),
  'a server that is busy at first': {
    answer: (m, attempt) => (attempt < 2 ? [] : m),
    code: status.RESOURCE_EXHAUSTED,
    details: { reason: 'RESOURCE_EXHAUSTED', retryAfterMs: 200 },
    isWhole: (attempt) => attempt >= 2,
  },
  'a proxy that finds no server at first': {
    answer: (m, attempt) => (attempt < 2 ? [] : m),
    code: status.INTERNAL,
    isWhole: (attempt) => attempt >= 2,
  },
  'a proxy that loses the server behind the summary': {
    answer: (m) => m,
    code: status.INTERNAL,
    isWhole: () => false,
  },
};

/** Nothing wrong, but no end: the plan, a chunk, and then silence. */
export const STALL = { answer: (m) => m.slice(0, 2), stalls: true };

function statusOf({ code, details }) {
  const message = 'a fault on purpose';
  const metadata = new Metadata();
  if (details !== undefined) {
    metadata.set(STATUS_DETAILS_KEY, encodeStatusDetails({ code, message, violations: [], ...details }));
  }
  return { code, details: message, metadata };
}

/** Starts it on a free port of the loopback; `choose` sets the fault of the calls to come. */
export async function startFaultyProxy(upstream) {
  const client = new LogahService(upstream, credentials.createInsecure(), CHANNEL_OPTIONS);
  let fault = STALL;
  let attempt = 0;
  let faults = [];
  let sent = 0;
  const server = new Server();
  server.addService(LogahService.service, {
    Predict: (call) => {
      const messages = [];
      client
        .Predict(call.request)
        .on('data', (message) => messages.push(message))
        .on('error', (error) => call.emit('error', error))
        .on('end', () => {
          const mine = attempt++;
          const offset = call.request.resume?.offset ?? 0;
          if (offset !== sent) faults.push(`attempt ${mine + 1} began at byte ${offset}, not ${sent}`);
          for (const message of fault.answer(messages, mine)) {
            sent += message.chunk?.data.length ?? 0;
            call.write(message);
          }
          if (fault.stalls) return;
          if (fault.code === undefined || fault.isWhole?.(mine)) call.end();
          else call.emit('error', statusOf(fault));
        });
    },
  });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    choose: (chosen) => {
      fault = chosen;
      attempt = 0;
      sent = 0;
      faults = [];
    },
    /** What was wrong with the attempts since `choose`, as lines, and how many there were. */
    attempts: () => ({ count: attempt, faults }),
    stop: () => {
      client.close();
      server.forceShutdown();
    },
  };
}
