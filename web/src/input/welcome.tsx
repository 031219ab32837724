/** What the page shows before there is a network: examples, and how to open a file. */

import type { VNode } from 'preact';
import { start, type Start } from '../state/app-state';
import { attempt, openFiles } from './open-file';
import { sourceOfLink } from './read-source';

/** The welcome. */
export function Welcome(): VNode {
  const now = start.value;
  return (
    <section class="welcome" aria-label="Open a network">
      <h2>What will be in your network’s weights?</h2>
      <p>
        Drop a transformers <code>config.json</code>, an ONNX file or an architecture graph anywhere on this
        page, or{' '}
        <label class="link-like file">
          choose a file
          <input
            type="file"
            accept=".json,.onnx"
            onChange={({ currentTarget }) => void openFiles(currentTarget.files)}
          />
        </label>
        . The weights of an ONNX file stay here: they are cut off before anything is sent.
      </p>
      {now && <Examples start={now} />}
    </section>
  );
}

function Examples({ start: now }: { readonly start: Start }): VNode {
  return (
    <>
      <h3>Or begin with one of these</h3>
      <ul class="examples">
        {now.examples.map(({ name, modelType }) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => void attempt(() => sourceOfLink({ key: 'example', value: name }, now))}
            >
              <strong>{name.split('/').at(-1)}</strong>
              <small>{modelType}</small>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
