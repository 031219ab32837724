import type { Coverage__Output } from '../gen/logah/v1/Coverage';
import type { ModuleCoverage__Output } from '../gen/logah/v1/ModuleCoverage';
import type { Plan__Output } from '../gen/logah/v1/Plan';
import type { TensorPlan__Output } from '../gen/logah/v1/TensorPlan';
import type { Widening__Output } from '../gen/logah/v1/Widening';
import {
  blockBytes,
  blocksShape,
  coverTensor,
  expansionFault,
  type Expansion,
} from './expansion/core-blocks';
import { ELEMENT_BYTES, elementType, type ElementType } from './element-type';
import { expectEqual, ProtocolError } from './protocol-error';

/** One tensor of a plan; shape and offsets are exact integers. */
export type TensorPlan = Readonly<TensorPlan__Output>;

/** Elements of all tensors by origin. */
export type Coverage = Readonly<Coverage__Output>;

/** The narrower network whose weights a network repeats, and how often. */
export type Widening = Readonly<Widening__Output>;

/** The most copies that the contract knows. */
const MAX_COPIES = 1024;

/** What a plan must have of its request. */
export interface Asked {
  /** Undefined or 0: any. */
  readonly copies?: number | undefined;
  readonly lift?: number | string | undefined;
  /** Undefined: 1. */
  readonly strength?: number | string | undefined;
  readonly base?: number | string | undefined;
}

/** A plan that agrees with itself, so that buffers and files can be laid out by it. */
export interface CheckedPlan extends Readonly<Plan__Output> {
  readonly tensors: TensorPlan__Output[];
  readonly coverage: Coverage__Output;
  /** `dtype` as safetensors names it. */
  readonly elementType: ElementType;
}

/**
 * Checks shapes, sizes, offsets and sums, and that the number of copies (0: any), the lift, the strength and the base are
 * those asked for. Throws ProtocolError naming what came and what was expected.
 */
export function checkPlan(
  plan: Plan__Output | null | undefined,
  { copies = 0, lift = 0, strength = 1, base = 0 }: Asked = {},
): CheckedPlan {
  if (!plan) {
    throw new ProtocolError('plan', 'missing', 'present');
  }
  const { coverage } = plan;
  if (!coverage) {
    throw new ProtocolError('plan.coverage', 'missing', 'present');
  }
  const type = elementType(plan.dtype);
  const fault = plan.expansion === null ? undefined : expansionFault(plan.expansion);
  if (fault !== undefined) throw new ProtocolError('plan.expansion', fault, 'a SHA-256 and sizes');
  checkWidening(plan.widening, copies);
  expectEqual('plan.lift', plan.lift, Number(lift));
  // An older server knows none.
  const ownStrength = plan.strength === 0 ? 1 : plan.strength;
  expectEqual('plan.strength', ownStrength, Number(strength));
  expectEqual('plan.base', plan.base, Number(base));
  const byName = new Map<string, TensorPlan>();
  let offset = 0;
  for (const tensor of plan.tensors) {
    if (byName.has(tensor.name)) {
      throw new ProtocolError(`plan: tensor name "${tensor.name}"`, 'repeated', 'unique');
    }
    byName.set(tensor.name, tensor);
    checkTensor(tensor, offset, ELEMENT_BYTES[type], plan.expansion);
    offset += tensor.bytes;
  }
  expectEqual('plan.total_bytes', plan.totalBytes, offset);
  plan.tensors.filter(isTied).forEach((tensor) => {
    checkTie(tensor, byName.get(tensor.tiedTo));
  });
  checkCoverage(coverage, plan.tensors);
  checkModules(plan.modules, coverage);
  return { ...plan, strength: ownStrength, coverage, elementType: type };
}

function checkWidening(widening: Widening | null, asked: number): void {
  if (widening !== null) {
    const { copies, base } = widening;
    if (!(copies >= 2 && copies <= MAX_COPIES) || !Object.values(base).every((size) => size >= 1)) {
      throw new ProtocolError(
        'plan.widening',
        `${copies} copies of ${JSON.stringify(base)}`,
        `2 to ${MAX_COPIES} copies of positive sizes`,
      );
    }
  }
  if (asked > 0) expectEqual('plan.widening: copies', widening?.copies ?? 1, asked);
}

/** The tensors that the stream carries, in its order. */
export function sentTensors(plan: CheckedPlan): readonly TensorPlan[] {
  return plan.tensors.filter((tensor) => tensor.sent);
}

function isTied(tensor: TensorPlan): boolean {
  return tensor.source === 'SOURCE_TIED';
}

function isKept(tensor: TensorPlan): boolean {
  return tensor.source === 'SOURCE_KEPT';
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function checkTensor(
  tensor: TensorPlan,
  offset: number,
  elementBytes: number,
  expansion: Expansion | null,
): void {
  const subject = `plan: tensor "${tensor.name}"`;
  const elements = elementCount(tensor.shape);
  if (!tensor.shape.every((size) => size >= 0) || !Number.isSafeInteger(elements * elementBytes)) {
    throw new ProtocolError(
      `${subject}: shape`,
      `(${tensor.shape.join(', ')})`,
      'no negative size and below 2^53 bytes',
    );
  }
  if (tensor.view.length > 0) {
    expectEqual(`${subject}: elements of view`, elementCount(tensor.view), elements);
  }
  if (isTied(tensor) || isKept(tensor)) {
    expectEqual(`${subject}: sent`, String(tensor.sent), 'false');
  }
  if (tensor.sent) checkCore(subject, tensor, expansion);
  const expected = tensor.sent ? sentBytes(tensor, elementBytes, expansion) : 0;
  expectEqual(`${subject}: bytes`, tensor.bytes, expected);
  if (tensor.sent) {
    expectEqual(`${subject}: offset`, tensor.offset, offset);
    checkBox(subject, tensor);
    checkFactors(subject, tensor);
  }
  if (!isTied(tensor) && !isKept(tensor)) {
    expectEqual(
      `${subject}: sum of predicted_elements and initialized_elements`,
      tensor.predictedElements + tensor.initializedElements,
      elements,
    );
  }
}

/** Bytes of a tensor that is sent: of its cores, of its factors, always float32, or of its box. */
function sentBytes(
  { core, factors, sentShape }: TensorPlan,
  elementBytes: number,
  expansion: Expansion | null,
): number {
  if (core.length > 0 && expansion !== null) {
    return core.reduce((sum, block) => sum + blockBytes(block, expansion, elementBytes), 0);
  }
  return factors.length > 0
    ? factors.reduce((sum, { m, n, rank }) => sum + (m + n) * rank * 4, 0)
    : elementCount(sentShape) * elementBytes;
}

/** The blocks of cores cover the tensor, and there is an expansion for them. */
function checkCore(subject: string, tensor: TensorPlan, expansion: Expansion | null): void {
  const { core, factors, shape } = tensor;
  if (core.length === 0) return;
  if (expansion === null)
    throw new ProtocolError('plan.expansion', 'missing', 'present where there are cores');
  if (factors.length > 0 || !coverTensor(tensor, expansion)) {
    const expected = `blocks that cover (${shape.join(', ')})`;
    throw new ProtocolError(`${subject}: core`, `${core.length} blocks`, expected);
  }
}

/** Factors lie within a matrix and cover it: their blocks do not overlap, since the sizes add up. */
function checkFactors(subject: string, tensor: TensorPlan): void {
  const { factors } = tensor;
  if (factors.length === 0) return;
  const shape = blocksShape(tensor);
  const [rows = 0, columns = 0] = shape;
  const fit = factors.every(
    (block) =>
      block.row >= 0 &&
      block.column >= 0 &&
      block.rows >= 1 &&
      block.columns >= 1 &&
      block.row + block.rows <= rows &&
      block.column + block.columns <= columns &&
      block.m >= 1 &&
      block.n >= 1 &&
      block.rank >= 1,
  );
  const covered = factors.reduce((sum, block) => sum + block.rows * block.columns, 0);
  if (shape.length !== 2 || !fit || covered !== rows * columns) {
    throw new ProtocolError(
      `${subject}: factors`,
      `${factors.length} blocks of ${covered} elements`,
      `blocks that cover (${shape.join(', ')})`,
    );
  }
}

function checkBox(subject: string, { shape, sentStart, sentShape }: TensorPlan): void {
  const fits =
    sentStart.length === shape.length &&
    sentShape.length === shape.length &&
    shape.every((size, dimension) => {
      const start = sentStart[dimension] ?? 0;
      const count = sentShape[dimension] ?? 0;
      return start >= 0 && count >= Math.min(1, size) && start + count <= size;
    });
  if (!fits) {
    throw new ProtocolError(
      `${subject}: sent_start and sent_shape`,
      `(${sentStart.join(', ')}) and (${sentShape.join(', ')})`,
      `a box within (${shape.join(', ')})`,
    );
  }
}

function checkTie(tensor: TensorPlan, holder: TensorPlan | undefined): void {
  const subject = `plan: tensor "${tensor.name}": tied_to`;
  if (!holder || isTied(holder)) {
    throw new ProtocolError(
      subject,
      `"${tensor.tiedTo}"`,
      'the name of a tensor of the plan that is not tied',
    );
  }
  expectEqual(`${subject}: shape`, `(${tensor.shape.join(', ')})`, `(${holder.shape.join(', ')})`);
}

function checkCoverage(coverage: Coverage, tensors: readonly TensorPlan[]): void {
  const count = (counted: readonly TensorPlan[]): number =>
    counted.reduce((sum, tensor) => sum + elementCount(tensor.shape), 0);
  const { parameters, predicted, tiled, initialized, tied, kept } = coverage;
  expectEqual('plan.coverage.parameters', parameters, count(tensors.filter((tensor) => !isTied(tensor))));
  expectEqual('plan.coverage.tied', tied, count(tensors.filter(isTied)));
  expectEqual('plan.coverage.kept', kept, count(tensors.filter(isKept)));
  expectEqual(
    'plan.coverage: sum of the five counts',
    predicted + tiled + initialized + tied + kept,
    parameters + tied,
  );
}

/** The parts together are the whole; a server that knows of none sends none. */
function checkModules(modules: readonly ModuleCoverage__Output[], whole: Coverage): void {
  if (modules.length === 0) return;
  for (const part of ['parameters', 'predicted', 'tiled', 'initialized', 'tied', 'kept'] as const) {
    const sum = modules.reduce((total, { coverage }) => total + (coverage?.[part] ?? 0), 0);
    expectEqual(`plan.modules: sum of ${part}`, sum, whole[part]);
  }
}
