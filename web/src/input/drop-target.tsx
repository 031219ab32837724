/** The whole page takes files. */

import { useSignal } from '@preact/signals';
import type { ComponentChildren, VNode } from 'preact';
import { openFiles } from './open-file';

/** What lies within takes files that are dropped anywhere on it. */
export function DropTarget({ children }: { readonly children: ComponentChildren }): VNode {
  const isOver = useSignal(false);
  return (
    <div
      class="drop-target"
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        void openFiles(event.dataTransfer?.files);
      }}
    >
      {children}
      {isOver.value && <div class="drop-sign">Drop a config.json, an ONNX file or a graph</div>}
    </div>
  );
}
