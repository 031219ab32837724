import { checkPlan } from '../../src/client/checked-plan';
import { ProtocolError } from '../../src/client/protocol-error';
import type { Plan__Output } from '../../src/gen/logah/v1/Plan';
import type { TensorPlan__Output } from '../../src/gen/logah/v1/TensorPlan';
import { prediction } from './fixtures';

/** A right plan with fields replaced: of tensor `index` ("a" (3, 2), "b" (4), "t" tied to "a"), or of the plan. */
function planWith(fields: Partial<Plan__Output>): Plan__Output {
  return { ...prediction({ a: [3, 2], b: [4] }, 't').plan, ...fields };
}

function tensorWith(index: number, fields: Partial<TensorPlan__Output>): Plan__Output {
  const { tensors } = planWith({});
  return planWith({ tensors: tensors.map((tensor, i) => (i === index ? { ...tensor, ...fields } : tensor)) });
}

describe('a plan', () => {
  it('is accepted where it agrees with itself', () => {
    expect(checkPlan(planWith({})).elementType).toBe('F32');
    expect(checkPlan(planWith({})).coverage.tied).toBe(6);
  });

  it('must have the copies that were asked for', () => {
    const widened = planWith({ widening: { copies: 2, base: { hidden_size: 3 } } });
    for (const copies of [undefined, 0, 2]) expect(checkPlan(widened, { copies }).widening?.copies).toBe(2);
    expect(() => checkPlan(widened, { copies: 1 })).toThrow('plan.widening: copies is 2, expected 1');
    expect(() => checkPlan(planWith({}), { copies: 4 })).toThrow('plan.widening: copies is 1, expected 4');
  });

  it('must have the strength and the base that were asked for, and neither where neither was', () => {
    const blended = planWith({ strength: 0.3, base: 1 });
    expect(checkPlan(blended, { strength: 0.3, base: 1 })).toMatchObject({ strength: 0.3, base: 1 });
    // An older server says nothing.
    expect(checkPlan(planWith({ strength: 0 })).strength).toBe(1);
    expect(() => checkPlan(blended, { base: 1 })).toThrow('plan.strength is 0.3, expected 1');
    expect(() => checkPlan(blended, { strength: 0.3 })).toThrow('plan.base is 1, expected 0');
    expect(() => checkPlan(planWith({}), { strength: 0.3 })).toThrow('plan.strength is 1, expected 0.3');
    expect(() => checkPlan(planWith({}), { base: 1 })).toThrow('plan.base is 0, expected 1');
  });

  it('must have the lift that was asked for, and none where none was', () => {
    const lifted = planWith({ lift: 0.25 });
    expect(checkPlan(lifted, { lift: 0.25 }).lift).toBe(0.25);
    expect(() => checkPlan(lifted)).toThrow('plan.lift is 0.25, expected 0');
    expect(() => checkPlan(planWith({}), { lift: 0.25 })).toThrow('plan.lift is 0, expected 0.25');
  });

  it.each<[string, Plan__Output | null, string]>([
    ['is missing', null, 'plan is missing'],
    ['has no coverage', planWith({ coverage: null }), 'plan.coverage is missing'],
    [
      'has no element type',
      planWith({ dtype: 'DATA_TYPE_UNSPECIFIED' }),
      'plan.dtype is DATA_TYPE_UNSPECIFIED',
    ],
    [
      'has copies that the contract does not know',
      planWith({ widening: { copies: 1, base: { hidden_size: 2 } } }),
      'plan.widening is 1 copies of {"hidden_size":2}, expected 2 to 1024 copies',
    ],
    [
      'has a narrower network without a size',
      planWith({ widening: { copies: 2, base: { hidden_size: 0 } } }),
      'plan.widening is 2 copies of {"hidden_size":0}',
    ],
    ['has a wrong total', planWith({ totalBytes: 41 }), 'plan.total_bytes is 41, expected 40'],
    ['repeats a name', tensorWith(1, { name: 'a' }), 'tensor name "a" is repeated'],
    ['has a negative size', tensorWith(0, { shape: [-1, 2] }), 'tensor "a": shape is (-1, 2)'],
    [
      'has a shape too large',
      tensorWith(0, { shape: [2 ** 30, 2 ** 30] }),
      'tensor "a": shape is (1073741824, ',
    ],
    ['has bytes unlike its shape', tensorWith(0, { bytes: 23 }), 'tensor "a": bytes is 23, expected 24'],
    ['leaves a gap', tensorWith(1, { offset: 28 }), 'tensor "b": offset is 28, expected 24'],
    ['sends what is tied', tensorWith(2, { sent: true, bytes: 24, offset: 40 }), 'tensor "t": sent is true'],
    ['has bytes for what is not sent', tensorWith(1, { sent: false }), 'tensor "b": bytes is 16, expected 0'],
    ['ties to a stranger', tensorWith(2, { tiedTo: 'x' }), 'tied_to is "x", expected the name of a tensor'],
    ['ties to what is tied', tensorWith(2, { tiedTo: 't' }), 'tied_to is "t", expected the name of a tensor'],
    ['ties unlike shapes', tensorWith(2, { shape: [6] }), 'tied_to: shape is (6), expected (3, 2)'],
    ['loses elements', tensorWith(0, { predictedElements: 5 }), 'initialized_elements is 5, expected 6'],
    [
      'counts parameters wrongly',
      planWith({ coverage: { parameters: 9, predicted: 10, tiled: 0, initialized: 0, tied: 6, kept: 0 } }),
      'plan.coverage.parameters is 9, expected 10',
    ],
    [
      'does not cover all',
      planWith({ coverage: { parameters: 10, predicted: 9, tiled: 0, initialized: 0, tied: 6, kept: 0 } }),
      'sum of the five counts is 15, expected 16',
    ],
  ])('that %s is refused with what came and what was expected', (_, plan, message) => {
    expect(() => checkPlan(plan)).toThrow(ProtocolError);
    expect(() => checkPlan(plan)).toThrow(message);
  });
});
