/** How soon the first data comes, and a small network whole. */

import { spreadOf, type Spread } from '../src/cli/output/statistics';
import { GPT2_LARGE, variantOf, VIT_TINY, type Architecture } from './architectures';
import type { Outcome } from './client';
import type { Latency } from './results';
import { requestFor, type Setup } from './setup';

const REPEATS = 15;

export async function measureLatency(setup: Setup): Promise<Latency> {
  const { client, service, say } = setup;
  const fetch = (architecture: Architecture, onlyFirst: boolean): Promise<Outcome> =>
    client.perform({
      kind: 'predict',
      target: service.target,
      request: requestFor(architecture),
      onlyFirst,
    });
  /** Milliseconds by `figure`, of networks that the server has not met and of one that it has, in turns. */
  const compare = async (
    architecture: Architecture,
    onlyFirst: boolean,
    figure: (outcome: Outcome) => number,
  ): Promise<[Spread, Spread]> => {
    const fresh: number[] = [];
    const repeated: number[] = [];
    await fetch(architecture, onlyFirst);
    for (let variant = 1; variant <= REPEATS; variant++) {
      fresh.push(1000 * figure(await fetch(variantOf(architecture, variant), onlyFirst)));
      repeated.push(1000 * figure(await fetch(architecture, onlyFirst)));
    }
    say(`${architecture.name}: new ${median(fresh)} ms, repeated ${median(repeated)} ms`);
    return [spreadOf(fresh), spreadOf(repeated)];
  };
  const [firstChunkNewMs, firstChunkRepeatedMs] = await compare(
    GPT2_LARGE,
    true,
    ({ firstChunkSeconds }) => firstChunkSeconds,
  );
  const [wholeNewMs, wholeRepeatedMs] = await compare(VIT_TINY, false, ({ seconds }) => seconds);
  return {
    architecture: GPT2_LARGE.name,
    firstChunkNewMs,
    firstChunkRepeatedMs,
    tinyArchitecture: VIT_TINY.name,
    wholeNewMs,
    wholeRepeatedMs,
  };
}

function median(values: readonly number[]): string {
  return spreadOf(values).median.toFixed(0);
}
