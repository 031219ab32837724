/** Where the time of predictions went. */

import type { VNode } from 'preact';
import type { StageActivity } from '../../../src/gen/es/logah/v1/logah_pb';
import { formatCount, formatShare } from '../ui/format';

/** The card. */
export function StageTable({ stages }: { readonly stages: readonly StageActivity[] }): VNode {
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  return (
    <article class="card">
      <h3>Time of predictions by stage</h3>
      <table class="stages">
        <caption>Predictions that have ended since the server started</caption>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">predictions</th>
            <th scope="col">seconds each</th>
            <th scope="col">share</th>
          </tr>
        </thead>
        <tbody>
          {stages.map(({ name, seconds, predictions }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{formatCount(Number(predictions))}</td>
              <td>{predictions === 0n ? '–' : (seconds / Number(predictions)).toFixed(3)}</td>
              <td>{formatShare(seconds, total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </article>
  );
}
