/** Tries other sizes: the configuration is planned again as one types. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Fault, FieldViolation } from '../contract/fault';
import { models, network, settings, source } from '../state/app-state';
import { loadNetwork } from '../state/load';
import type { Network } from '../state/network';
import { keyOf } from '../state/requests';
import { withFields, type Config, type Source } from '../state/source';
import { CoverageBar } from '../plan/coverage-bar';
import { sumsOf } from '../plan/module-tree';
import { FaultNote } from '../ui/fault-note';
import { formatBytes, formatCount } from '../ui/format';
import { useAnswer } from '../ui/use-answer';
import { sizeFields, type SizeField } from './size-fields';

/** Milliseconds without a key being pressed before it is planned. */
const PAUSE_MS = 180;

/** The view. */
export function SizeView({ show }: { readonly show: (source: Source) => void }): VNode | null {
  const from = source.value;
  if (from === undefined) return null;
  if (from.config === undefined) {
    return (
      <p class="empty">
        Sizes can be tried where the network is a transformers configuration; this one is {from.name}.
      </p>
    );
  }
  return <Sizes key={from.name} from={from} config={from.config} show={show} />;
}

function Sizes({
  from,
  config,
  show,
}: {
  readonly from: Source;
  readonly config: Config;
  readonly show: (source: Source) => void;
}): VNode {
  const typed = useSignal<Config>({});
  const tried = useSignal<Config>({});
  const now = network.value;
  const before = useMemo(() => ({ value: now }), []);
  before.value ??= now;
  const model = models.value.find(({ name }) => name === now?.plan.model);
  const fields = sizeFields(config, model, now?.plan.family ?? '');
  useEffect(() => {
    const timer = setTimeout(() => (tried.value = typed.value), PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed.value]);
  const candidate = useMemo(() => withFields(from, tried.value), [from, tried.value]);
  const how = settings.value;
  const answer = useAnswer(keyOf(candidate, how), () => loadNetwork(candidate, how));
  const isSame = Object.keys(typed.value).length === 0;
  return (
    <section class="size" aria-label="Size">
      <form
        class="sizes"
        aria-label="Sizes"
        onSubmit={(event) => {
          event.preventDefault();
        }}
      >
        {fields.map((field) => (
          <SizeSlider
            key={field.name}
            field={field}
            value={Number(typed.value[field.name] ?? field.value)}
            violations={violationsFor(field, answer.fault)}
            set={(value) => (typed.value = { ...typed.value, [field.name]: value })}
          />
        ))}
        <div class="buttons">
          <button type="button" disabled={isSame} onClick={() => (typed.value = {})}>
            As it was
          </button>
          <button
            type="button"
            class="main"
            disabled={isSame || answer.value === undefined}
            onClick={() => {
              show({ ...candidate, name: `${from.name.replace(/ \(resized\)$/, '')} (resized)` });
            }}
          >
            Look at this one
          </button>
        </div>
      </form>
      <div
        class={`tried ${answer.isWaiting ? 'is-waiting' : ''}`}
        aria-live="polite"
        aria-busy={answer.isWaiting}
      >
        {answer.fault && <FaultNote fault={answer.fault} />}
        {answer.value && <Tried network={answer.value} before={before.value} />}
      </div>
    </section>
  );
}

function SizeSlider({
  field,
  value,
  violations,
  set,
}: {
  readonly field: SizeField;
  readonly value: number;
  readonly violations: readonly FieldViolation[];
  readonly set: (value: number) => void;
}): VNode {
  const { name, low, high, step, trained } = field;
  const id = `size-${name}`;
  const isOutside = trained !== undefined && (value < trained[0] || value > trained[1]);
  return (
    <div class={`size-field ${violations.length > 0 ? 'is-wrong' : ''}`}>
      <label for={id}>{name}</label>
      <input
        type="range"
        aria-label={`${name}, slider`}
        min={low}
        max={high}
        step={step}
        value={value}
        onInput={({ currentTarget }) => {
          set(currentTarget.valueAsNumber);
        }}
      />
      <input
        id={id}
        type="number"
        min={1}
        value={value}
        aria-invalid={violations.length > 0}
        aria-describedby={`${id}-note`}
        onInput={({ currentTarget }) => {
          if (Number.isInteger(currentTarget.valueAsNumber)) set(currentTarget.valueAsNumber);
        }}
      />
      <small id={`${id}-note`}>
        {trained && (
          <span class={isOutside ? 'outside' : ''}>
            trained on {trained[0] === trained[1] ? trained[0] : `${trained[0]} to ${trained[1]}`}
          </span>
        )}
        {violations.map(({ description }) => (
          <span key={description} class="violation">
            {description}
          </span>
        ))}
      </small>
    </div>
  );
}

function Tried({
  network: { plan, tensors },
  before,
}: {
  readonly network: Network;
  readonly before: Network | undefined;
}): VNode {
  const parameters = Number(plan.coverage?.parameters ?? 0n);
  const was = Number(before?.plan.coverage?.parameters ?? 0n);
  const { widening } = plan;
  return (
    <>
      <p class="large">
        <strong>{formatCount(parameters)}</strong> parameters
        {was > 0 && was !== parameters && (
          <small> {(parameters / was).toPrecision(3)} times as many as before</small>
        )}
      </p>
      <CoverageBar sums={sumsOf(tensors)} />
      <dl class="facts">
        <div>
          <dt>dense</dt>
          <dd>{formatBytes(Number(plan.denseBytes))}</dd>
        </div>
        <div>
          <dt>as factors</dt>
          <dd>{formatBytes(Number(plan.factorBytes))}</dd>
        </div>
        <div>
          <dt>as cores</dt>
          <dd>{formatBytes(Number(plan.coreBytes))}</dd>
        </div>
        <div>
          <dt>model</dt>
          <dd>{plan.model}</dd>
        </div>
        <div>
          <dt>copies</dt>
          <dd>
            {widening
              ? `${widening.copies} of ${Object.entries(widening.base)
                  .map(([name, size]) => `${name} ${size}`)
                  .join(', ')}`
              : 'none: it is predicted as it is'}
          </dd>
        </div>
      </dl>
      {plan.warnings.length > 0 ? (
        <ul class="warnings" aria-label="What lies outside training">
          {plan.warnings.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      ) : (
        <p class="quiet">Every size lies within what the model was trained on.</p>
      )}
    </>
  );
}

/** The violations that name a field, in its own words or the common ones. */
function violationsFor({ name, common }: SizeField, fault: Fault | undefined): readonly FieldViolation[] {
  return (fault?.violations ?? []).filter(({ field }) => {
    const last = field.split('.').at(-1);
    return last === name || last === common;
  });
}
