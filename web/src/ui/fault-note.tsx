/** What went wrong, where it went wrong. */

import type { VNode } from 'preact';
import type { Fault } from '../contract/fault';

/** A note; violations are listed by their fields. */
export function FaultNote({ fault }: { readonly fault: Fault }): VNode {
  return (
    <div class="fault" role="alert">
      {fault.violations.length === 0 && <p>{fault.message}</p>}
      {fault.violations.length > 0 && (
        <ul>
          {fault.violations.map(({ field, description }) => (
            <li key={`${field} ${description}`}>
              <code>{field}</code> {description}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
