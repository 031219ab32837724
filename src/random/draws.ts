/** What each rule gives an element, by the element's index in its parameter. */

import type { FillFunction, Filling, SinusoidFilling } from '../graph/filling';
import { orthogonal } from './orthogonal';
import { boundedNormal, normal, truncatedNormal, uniform, standardUniform, type StreamKey } from './random';

type Draw = (element: number) => number;

/** A rule in a parameter of `shape`; elements are multiplied with `factor`, undefined: 1. */
export type Drawn = Filling & {
  readonly shape: readonly number[];
  readonly factor?: number | undefined;
};

/** The value of an element (0 to 2^53 - 1); the same whatever else is drawn. */
export function drawOf(recipe: Drawn, stream: StreamKey): Draw {
  const draw = ruleOf(recipe, stream);
  const { factor } = recipe;
  return factor === undefined ? draw : (element) => draw(element) * factor;
}

function ruleOf(recipe: Drawn, stream: StreamKey): Draw {
  switch (recipe.rule) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'normal':
      return (element) => normal(stream, element, recipe.standardDeviation);
    case 'truncated_normal':
      return (element) => truncatedNormal(stream, element, recipe.standardDeviation);
    case 'constant':
      return () => recipe.value;
    case 'uniform':
      return (element) => uniform(stream, element, recipe.bound);
    case 'shifted_normal':
      return (element) => recipe.mean + normal(stream, element, recipe.standardDeviation);
    case 'bounded_normal': {
      const { mean, standardDeviation: deviation, lower, upper } = recipe;
      if (deviation === 0) return () => mean;
      const [from, to] = [(lower - mean) / deviation, (upper - mean) / deviation];
      const within = (value: number): number => Math.min(upper, Math.max(lower, value));
      return (element) => within(mean + deviation * boundedNormal(stream, element, from, to));
    }
    case 'uniform_between': {
      const { lower, upper } = recipe;
      return transformed(
        recipe.function,
        (element) => lower + (upper - lower) * standardUniform(stream, element),
      );
    }
    case 'log_uniform': {
      const { least } = recipe;
      const [from, to] = [Math.log(recipe.lower), Math.log(recipe.upper)];
      const draw: Draw = (element) => Math.exp(from + (to - from) * standardUniform(stream, element));
      return transformed(recipe.function, (element) => Math.max(least, draw(element)));
    }
    case 'sequence': {
      const columns = recipe.shape.at(-1) ?? 1;
      const { start, step } = recipe;
      return transformed(recipe.function, (element) => start + step * (element % columns));
    }
    case 'identity':
      return identity(recipe.shape);
    case 'sinusoids':
      return sinusoids(recipe, recipe.shape.at(-1) ?? 1);
    case 'orthogonal':
      return orthogonal(recipe, stream);
  }
}

/** The numbers of a draw, with a function applied to each. */
export function transformed(transform: FillFunction | undefined, draw: Draw): Draw {
  switch (transform) {
    case undefined:
      return draw;
    case 'log':
      return (element) => Math.log(draw(element));
    case 'inverse_softplus':
      return (element) => {
        const value = draw(element);
        return value + Math.log(-Math.expm1(-value));
      };
  }
}

/** 1 where output and input are the same, in the middle of a kernel. */
function identity(shape: readonly number[]): Draw {
  const [, inputs = 1, ...kernel] = shape;
  const size = kernel.reduce((product, side) => product * side, 1);
  const middle = kernel.reduce((index, side) => index * side + Math.floor(side / 2), 0);
  return (element) => {
    const pair = Math.floor(element / size);
    return element % size === middle && Math.floor(pair / inputs) === pair % inputs ? 1 : 0;
  };
}

function sinusoids({ start, base, divisor, interleaved }: SinusoidFilling, columns: number): Draw {
  const half = Math.ceil(columns / 2);
  const frequencies = Float64Array.from({ length: half }, (_, index) => base ** (-index / divisor));
  return (element) => {
    const column = element % columns;
    const isSine = interleaved ? column % 2 === 0 : column < half;
    const index = interleaved ? Math.floor(column / 2) : column % half;
    const angle = (start + Math.floor(element / columns)) * (frequencies[index] as number);
    return isSine ? Math.sin(angle) : Math.cos(angle);
  };
}
