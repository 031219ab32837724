/** The part of docs/performance.md that is made of bench/results/security.json. */

import type { Spread } from '../src/cli/output/statistics';
import type { SecurityResults } from './security-results';
import { verdictOf, type Estimate } from './paired';
import { megabytes, table } from './tables';

const TLS_BAR = 0.7;
const FIRST_CHUNK_BAR = 1.1;
const KEPT_BAR = 0.4;
const BALANCE_BAR = 0.8;
const OVERHEAD_BAR = 0.01;
const BYTES_BAR = 5 * 2 ** 20;

/** What it costs to be safe, and what callers get beside each other. */
export function securitySection(results: SecurityResults): string {
  const { tls, authentication, fairness, overhead } = results;
  const verdict = (isMet: boolean): string => (isMet ? 'met' : '**missed**');
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const { difference } = overhead.residentBytes;
  return [
    '## What it costs to be safe',
    `Measured on ${results.date} by \`bench/security.ts\` on ${results.cores} cores of ${results.processor}, Node.js ${results.node}, the service ` +
      `at ${results.commit}, in turns within each of ${results.rounds} rounds, clients on the same machine. TLS: ${tls.architecture} dense, ` +
      `${megabytes(tls.bytes)}, ${tls.cipher}: ${spread(tls.tls.seconds, 2)} s, in plain text ${spread(tls.plain.seconds, 2)} s. ` +
      `First chunk of ${authentication.architecture}, met before, ${authentication.rounds} times in turn: ${spread(authentication.withMs, 1)} ms with a token among ` +
      `${authentication.callers} callers, ${spread(authentication.withoutMs, 1)} ms without; the server's processor time is ${within(authentication.serverCpu)} of ` +
      `that without. Beside a caller with ${fairness.greedyStreams} ` +
      `streams of ${fairness.architecture}, one with a single stream gets ${millions(fairness.modest)} million elements a second, the other ` +
      `${millions(fairness.greedy)}; alone it gets ${millions(fairness.alone)}. The overhead of metrics and the log of calls is a share of ` +
      `the server's processor time for ${megabytes(overhead.bytes)}: the sum of a call's beginning, end and line ` +
      `(${percent(overhead.parts.call.median)}), what is counted of its chunks (${percent(overhead.parts.chunks)}) and what goes on meanwhile, metrics ` +
      `read every five seconds (${percent(overhead.parts.meanwhile.median)}), each measured alone. Whole predictions with and without, ` +
      `${overhead.rounds} of each in turn, differ by ${percent(overhead.whole.median)}, give or take ${percent(overhead.whole.margin)}. ` +
      'A ratio is the median over the rounds, with twice its standard error.',
    table(
      ['', 'bar', 'measured', ''],
      [
        [
          'throughput with TLS, against plain text',
          `at least ${TLS_BAR.toFixed(2)}`,
          within(tls.ratio),
          verdict(tls.ratio.median >= TLS_BAR),
        ],
        [
          'first chunk with authentication, against without',
          `at most ${FIRST_CHUNK_BAR.toFixed(2)}`,
          within(authentication.ratio),
          verdictOf(authentication.ratio, FIRST_CHUNK_BAR),
        ],
        [
          'one stream beside sixty of another caller, against alone',
          `at least ${KEPT_BAR.toFixed(2)}`,
          spread(fairness.kept, 2),
          verdict(fairness.kept.median >= KEPT_BAR),
        ],
        [
          'the caller that gets less, against the other',
          `at least ${BALANCE_BAR.toFixed(2)}`,
          spread(fairness.balance, 2),
          verdict(fairness.balance.median >= BALANCE_BAR),
        ],
        [
          'metrics and log of calls: processor time',
          `below ${percent(OVERHEAD_BAR)}`,
          `${percent(overhead.byParts.median)}, give or take ${percent(overhead.byParts.margin)}`,
          verdictOf(overhead.byParts, OVERHEAD_BAR),
        ],
        [
          'metrics and log of calls: memory',
          `below ${megabytes(BYTES_BAR)}`,
          megabytes(difference),
          verdict(difference < BYTES_BAR),
        ],
      ],
    ),
  ].join('\n\n');
}

function spread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

function within({ median, margin }: Pick<Estimate, 'median' | 'margin'>): string {
  return `${median.toFixed(2)} ± ${margin.toFixed(2)}`;
}

function millions({ median }: Spread): string {
  return (median / 1e6).toFixed(1);
}
