/** Saves a network's weights: they stream to a file, whatever their size. */

import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { DataType } from '../../../src/gen/es/logah/v1/logah_pb';
import { faultOf, type Fault } from '../contract/fault';
import { network, settings, source } from '../state/app-state';
import { requestOf } from '../state/requests';
import { FaultNote } from '../ui/fault-note';
import { formatBytes } from '../ui/format';
import { streamChecked } from './checked-stream';
import { openSink } from './file-sink';
import { safetensorsFile } from './safetensors';
import { stateDictFile } from './state-dict';
import type { WeightsFile } from './weights-file';

/** How far a download is. */
type Progress =
  | { readonly kind: 'running'; readonly written: number; readonly total: number; readonly seconds: number }
  | { readonly kind: 'done'; readonly written: number; readonly tensors: number; readonly seconds: number }
  | { readonly kind: 'failed'; readonly fault: Fault }
  | { readonly kind: 'cancelled' };

const TYPES = [
  ['float32', DataType.FLOAT32, 1],
  ['float16', DataType.FLOAT16, 0.5],
  ['bfloat16', DataType.BFLOAT16, 0.5],
] as const;

/** Files that can be saved. */
const FORMATS = {
  safetensors: { name: 'model.safetensors', words: 'safetensors', make: safetensorsFile },
  torch: { name: 'pytorch_model.bin', words: 'PyTorch state dict', make: stateDictFile },
} as const;

type Format = keyof typeof FORMATS;

/** Of the page, not of the view: a download goes on while something else is looked at. */
const progress = signal<Progress | undefined>(undefined);
const dtype = signal<DataType>(DataType.FLOAT32);
const format = signal<Format>('safetensors');
let running: AbortController | undefined;

/** The view. */
export function DownloadView(): VNode | null {
  const now = network.value;
  if (now === undefined) return null;
  const [, , factor] = TYPES.find(([, type]) => type === dtype.value) ?? TYPES[0];
  const isRunning = progress.value?.kind === 'running';
  return (
    <section class="download" aria-label="Download">
      <div class="card">
        <h2>{now.graph.name || source.value?.name}</h2>
        <p>
          One file of about {formatBytes(Number(now.plan.denseBytes) * factor)},{' '}
          {format.value === 'safetensors'
            ? 'which transformers loads'
            : 'for torch.load(..., weights_only=True), with tied tensors under all of their names'}
          . It goes to the disk as it comes, and every tensor’s digest is checked on the way.
        </p>
        <fieldset class="choice" disabled={isRunning}>
          <legend class="unseen">Format</legend>
          {Object.entries(FORMATS).map(([key, { words }]) => (
            <label key={key}>
              <input
                type="radio"
                name="format"
                checked={format.value === key}
                onChange={() => (format.value = key as Format)}
              />
              <span>{words}</span>
            </label>
          ))}
        </fieldset>
        <fieldset class="choice" disabled={isRunning}>
          <legend class="unseen">Element type</legend>
          {TYPES.map(([name, type]) => (
            <label key={name}>
              <input
                type="radio"
                name="dtype"
                checked={dtype.value === type}
                onChange={() => (dtype.value = type)}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <div class="buttons">
          <button type="button" class="main" disabled={isRunning} onClick={() => void download()}>
            Save {FORMATS[format.value].name}
          </button>
          {isRunning && (
            <button type="button" onClick={() => running?.abort()}>
              Cancel
            </button>
          )}
        </div>
        <Status />
      </div>
    </section>
  );
}

function Status(): VNode | null {
  const now = progress.value;
  switch (now?.kind) {
    case undefined:
      return null;
    case 'running':
      return (
        <div class="progress">
          <progress max={now.total} value={now.written} aria-label="Written" />
          <p role="status">
            {formatBytes(now.written)} of {formatBytes(now.total)}
            {now.seconds > 0.5 && `, ${formatBytes(Math.round(now.written / now.seconds))}/s`}
          </p>
        </div>
      );
    case 'done':
      return (
        <p role="status" class="good">
          Saved {formatBytes(now.written)} in {now.seconds.toFixed(1)} s; the digests of all {now.tensors}{' '}
          tensors are right.
        </p>
      );
    case 'failed':
      return <FaultNote fault={now.fault} />;
    case 'cancelled':
      return <p role="status">Cancelled; what was written is of no use.</p>;
  }
}

async function download(): Promise<void> {
  const from = source.value;
  if (from === undefined) return;
  const mine = (running = new AbortController());
  const { name, make } = FORMATS[format.value];
  let file: WeightsFile | undefined;
  let written = 0;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const sink = await openSink(name, () => file?.size);
    const write = async (data: Uint8Array): Promise<void> => {
      await sink.write(data);
      written += data.length;
      progress.value = { kind: 'running', written, total: file?.size ?? 0, seconds: seconds() };
    };
    try {
      const plan = await streamChecked(
        requestOf(from, settings.value, { dtype: dtype.value }),
        {
          begin: async (planned) => {
            file = make(planned);
            await write(file.begin);
          },
          write: async (data, sumOf) => {
            for (const part of file?.next(data, sumOf) ?? []) await write(part);
          },
          end: async (sumOf) => {
            const end = file?.end(sumOf);
            if (end !== undefined && end.length > 0) await write(end);
          },
        },
        mine.signal,
      );
      await sink.close();
      const tensors = plan.tensors.filter(({ sent }) => sent).length;
      progress.value = { kind: 'done', written, tensors, seconds: seconds() };
    } catch (error) {
      await sink.abort(error instanceof Error ? error.message : String(error));
      throw error;
    }
  } catch (error) {
    const isCancelled = mine.signal.aborted || (error instanceof DOMException && error.name === 'AbortError');
    const fault = isCancelled ? undefined : faultOf(error);
    progress.value = fault === undefined ? { kind: 'cancelled' } : { kind: 'failed', fault };
  }
}
