/** The part of docs/performance.md about cores. */

import type { CoreAnswer, Herd, Stampede } from './results';
import { megabytes, table } from './tables';

/** The largest networks, and many ranks at a time. */
export function coreSections(cores: readonly CoreAnswer[], herd: Herd): readonly string[] {
  const stampede = (
    name: string,
    { seconds, serverCpuSeconds, bytes, serverPeakBytes }: Stampede,
  ): string[] => [
    name,
    seconds.toFixed(2),
    serverCpuSeconds.toFixed(2),
    megabytes(bytes),
    megabytes(serverPeakBytes),
  ];
  return [
    '## Cores of the largest networks',
    'From a server that has not met the network, and again, each time by a new client, which checks what comes and expands nothing.',
    table(
      [
        '',
        'parameters',
        'nodes',
        'bytes',
        'first, s',
        'again, s',
        'server CPU, first, s',
        'again, s',
        'server peak',
      ],
      cores.map((answer) => [
        answer.architecture,
        `${(answer.parameters / 1e6).toFixed(0)} million`,
        String(answer.nodes),
        megabytes(answer.bytes),
        answer.firstSeconds.toFixed(2),
        answer.againSeconds.median.toFixed(2),
        answer.firstServerCpuSeconds.toFixed(2),
        answer.againServerCpuSeconds.toFixed(2),
        megabytes(answer.serverPeakBytes),
      ]),
    ),
    `## ${herd.ranks} ranks at once`,
    `The cores of ${herd.architecture}, for one rank and for ${herd.ranks} that ask at the same moment, each by a connection of its own, of ` +
      'servers that have not met the network.',
    table(
      ['ranks', 'seconds until all have theirs', 'server CPU s', 'on the wire', 'server peak'],
      [stampede('1', herd.one), stampede(String(herd.ranks), herd.all)],
    ),
  ];
}
