/** How the network is predicted: model, seed, lift, strength, base, copies. */

import type { VNode } from 'preact';
import { models, network, settings, type Settings } from '../state/app-state';

/** The fields. */
export function SettingsBar(): VNode {
  const { model, seed, lift, strength, base, copies } = settings.value;
  const possible = network.value?.plan.possibleCopies ?? [];
  const change = (fields: Partial<Settings>): void => {
    settings.value = { ...settings.value, ...fields };
  };
  return (
    <form
      class="settings"
      aria-label="How it is predicted"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <label>
        <span>Model</span>
        <select
          value={model}
          onChange={({ currentTarget }) => {
            change({ model: currentTarget.value });
          }}
        >
          <option value="">
            {network.value ? `chosen: ${network.value.plan.model}` : 'chosen by the server'}
          </option>
          {models.value.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <NumberField
        name="Seed"
        value={seed}
        most={Number.MAX_SAFE_INTEGER}
        step={1}
        set={(value) => {
          change({ seed: value });
        }}
      />
      <NumberField
        name="Lift"
        value={lift}
        most={10}
        step={0.1}
        set={(value) => {
          change({ lift: value });
        }}
      />
      <NumberField
        name="Strength"
        value={strength}
        least={Number.MIN_VALUE}
        most={10}
        step={0.1}
        set={(value) => {
          change({ strength: value });
        }}
        hint="How far of the way from the default start to the prediction; 1: the prediction"
      />
      <NumberField
        name="Base"
        value={base}
        most={10}
        step={0.1}
        set={(value) => {
          change({ base: value });
        }}
        hint="Noise, in deviations of what the network's own start would give"
      />
      {/* What was asked for and refused stays to be changed. */}
      {(possible.length > 0 || copies > 1) && (
        <NumberField
          name="Copies"
          value={copies}
          most={1024}
          step={1}
          set={(value) => {
            change({ copies: value });
          }}
          hint={`0: as many as bring the widths into training; else ${[1, ...possible].join(', ')}`}
        />
      )}
    </form>
  );
}

function NumberField({
  name,
  value,
  least = 0,
  most,
  step,
  set,
  hint,
}: {
  name: string;
  value: number;
  /** Least that is taken. */
  least?: number;
  most: number;
  step: number;
  set: (value: number) => void;
  hint?: string;
}): VNode {
  return (
    <label title={hint}>
      <span>{name}</span>
      <input
        type="number"
        min={0}
        max={most}
        step={step}
        value={value}
        onChange={({ currentTarget }) => {
          const given = currentTarget.valueAsNumber;
          if (Number.isFinite(given) && given >= least && given <= most)
            set(step === 1 ? Math.floor(given) : given);
          else currentTarget.value = String(value);
        }}
      />
    </label>
  );
}
