/** A long name that breaks at its dots. */

import type { VNode } from 'preact';

/** The name. */
export function DottedName({ name }: { readonly name: string }): VNode {
  const parts = name.split(/(?<=[./])/);
  return (
    <>
      {parts.map((part, index) => (
        <span key={index}>
          {part}
          <wbr />
        </span>
      ))}
    </>
  );
}
