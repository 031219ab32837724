import fc from 'fast-check';
import type { PlanRequest } from '../../src/gen/logah/v1/PlanRequest';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { LogahService } from '../../src/contract/proto-definition';
import {
  boundedDeserializer,
  PLAN_REQUEST,
  PREDICT_REQUEST,
  throwIfRefused,
} from '../../src/server/request-parts';
import { refusalOf } from '../support/refusal';
import { LARGE, SMALL } from '../support/requests';

const { Predict, Plan } = LogahService.service;

/** Parses as a server of so many nodes does. */
function parse(bytes: Buffer, maxNodes: number): object {
  const request = boundedDeserializer(Predict.requestDeserialize, PREDICT_REQUEST, maxNodes)(bytes);
  throwIfRefused(request);
  return request;
}

const bytesOf = (request: PredictRequest): Buffer => Predict.requestSerialize(request);

const empty = (count: number): Record<string, never>[] => Array.from({ length: count }, () => ({}));

/** 150 fields: the architecture, its graph, and 148 of one kind. */
const wide: readonly [string, PredictRequest][] = [
  ['nodes', { architecture: { graph: { nodes: empty(148) } } }],
  ['edges', { architecture: { graph: { edges: empty(148) } } }],
  ['parameters', { architecture: { graph: { parameters: empty(148) } } }],
  ['blocks', { architecture: { graph: { parameters: [{ blocks: empty(147) }] } } }],
  ['patterns', { architecture: {}, selection: { patterns: new Array<string>(148).fill('') } }],
  ['slices', { architecture: { graph: {} }, slices: empty(148) }],
];

describe('a request', () => {
  it.each([
    LARGE,
    SMALL,
    {},
    { seed: 3, selection: { patterns: ['a', '*'] }, slices: [{ name: 'a', start: [1] }] },
  ])('of few fields is parsed as it is', (request) => {
    expect(parse(bytesOf(request), 1)).toEqual(Predict.requestDeserialize(bytesOf(request)));
  });

  it.each(wide)('of many %s is refused without being parsed', async (_, request) => {
    const bytes = bytesOf(request);
    // Two of them are more than the 200 that one node is allowed.
    expect(() => parse(bytes, 1)).not.toThrow();
    const error = await refusalOf(() => parse(Buffer.concat([bytes, bytes]), 1));
    expect(error.kind).toBe('invalid_argument');
    expect(error.message).toBe(
      'architecture: has more than 200 fields; this server allows 200 times --max-nodes',
    );
  });

  it('for a plan is bounded in the same way', async () => {
    const deserialize = boundedDeserializer(Plan.requestDeserialize, PLAN_REQUEST, 1);
    const request: PlanRequest = { request: { architecture: { graph: { nodes: empty(300) } } } };
    const error = await refusalOf(() => {
      throwIfRefused(deserialize(Plan.requestSerialize(request)));
    });
    expect(error.kind).toBe('invalid_argument');
    expect(deserialize(Plan.requestSerialize({ request: SMALL }))).toEqual(
      Plan.requestDeserialize(Plan.requestSerialize({ request: SMALL })),
    );
  });

  it('that is malformed is for the parser to tell', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const outcome = (act: () => unknown): unknown => {
          try {
            return act();
          } catch (error) {
            return String(error);
          }
        };
        const buffer = Buffer.from(bytes);
        expect(outcome(() => parse(buffer, 1))).toEqual(outcome(() => Predict.requestDeserialize(buffer)));
      }),
    );
  });
});
