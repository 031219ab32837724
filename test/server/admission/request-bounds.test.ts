import fc from 'fast-check';
import { Field, MapField, Root, Type } from 'protobufjs';
import { messageShape, type FieldShape, type MessageShape } from '../../../src/contract/message-shape';
import { LogahService } from '../../../src/contract/service-clients';
import type { PredictRequest } from '../../../src/gen/logah/v1/PredictRequest';
import { checkBounds, MAX_NUMBERS, requestBounds } from '../../../src/server/admission/request-bounds';
import { delimited, number, repeated, varint } from '../../support/protobuf';
import { refusalOf } from '../../support/refusal';
import { LARGE, SMALL } from '../../support/requests';

const REQUESTS = ['Predict', 'Plan', 'ListModels', 'GetExpansion', 'GetTokenizer'].map((rpc) =>
  messageShape(`logah.v1.${rpc}Request`),
);
const PREDICT = messageShape('logah.v1.PredictRequest');

const check = (bytes: Uint8Array, shape: MessageShape = PREDICT, maxNodes = 2048): void => {
  checkBounds(bytes, shape, requestBounds(maxNodes));
};
const bytesOf = (request: PredictRequest): Buffer => LogahService.service.Predict.requestSerialize(request);
const empty = (count: number): Record<string, never>[] => Array.from({ length: count }, () => ({}));

/** Every repeated field below a message, with a function that puts its bytes into that message. */
function* repeatedFields(
  shape: MessageShape,
  wrap: (bytes: Buffer) => Buffer = (bytes) => bytes,
  path: readonly string[] = [],
): Generator<{ path: string; id: number; field: FieldShape; wrap: (bytes: Buffer) => Buffer }> {
  for (const [id, field] of shape.fields) {
    const here = [...path, field.name];
    if (field.repeated) yield { path: here.join('.'), id, field, wrap };
    if (field.message !== undefined)
      yield* repeatedFields(field.message, (bytes) => wrap(delimited(id, bytes)), here);
  }
}

const everyRepeated = REQUESTS.flatMap((shape) =>
  [...repeatedFields(shape)].map((found) => [`${shape.name}: ${found.path}`, shape, found] as const),
);

describe('a request', () => {
  it.each([
    LARGE,
    SMALL,
    {},
    { seed: 3, selection: { patterns: ['a', '*'] }, slices: [{ name: 'a', start: [1], end: [2] }] },
  ])('that a client writes is within the bounds', (request) => {
    expect(() => {
      check(bytesOf(request), PREDICT, 10);
    }).not.toThrow();
  });

  it('has repeated fields that are found in the descriptors', () => {
    expect(everyRepeated.map(([path]) => path)).toEqual(
      expect.arrayContaining([
        'logah.v1.PredictRequest: architecture.graph.nodes.shape',
        'logah.v1.PredictRequest: slices.start',
        'logah.v1.PlanRequest: request.architecture.graph.parameters.blocks',
      ]),
    );
  });

  it.each(everyRepeated)('is bounded in the repeated field %s', async (_, shape, { id, field, wrap }) => {
    const value = field.scalar === 'number' ? number(id, 1) : delimited(id);
    const refusal = await refusalOf(() => {
      check(wrap(repeated(value, 2_000_000)), shape);
    });
    expect(refusal.kind).toBe('invalid_argument');
  });

  it.each(everyRepeated.filter(([, , { field }]) => field.scalar === 'number'))(
    'is bounded in the packed numbers of %s',
    async (path, shape, { id, field, wrap }) => {
      const width = { 1: 8, 5: 4 }[field.wireType] ?? 1;
      const packed = (count: number): Buffer => wrap(delimited(id, Buffer.alloc(count * width, 1)));
      expect(() => {
        check(packed(MAX_NUMBERS), shape);
      }).not.toThrow();
      const refusal = await refusalOf(() => {
        check(packed(MAX_NUMBERS + 1), shape);
      });
      expect(refusal.message).toMatch(/has more than 64 numbers; at most 64 are allowed$/);
      expect(path.endsWith(refusal.violations[0]?.field.replace(/\[\d+\]/g, '') ?? '')).toBe(true);
    },
  );

  it('is bounded in numbers of which some are packed and some not', () => {
    const shape = delimited(3, Buffer.alloc(40, 1));
    const node = delimited(3, Buffer.concat([shape, number(3, 1), shape]));
    expect(() => {
      check(delimited(1, delimited(1, node)));
    }).toThrow('architecture.graph.nodes[0].shape: has more than 64 numbers');
  });

  it.each([
    ['nodes', { architecture: { graph: { nodes: empty(148) } } }],
    ['edges', { architecture: { graph: { edges: empty(148) } } }],
    ['parameters', { architecture: { graph: { parameters: empty(148) } } }],
    ['blocks', { architecture: { graph: { parameters: [{ blocks: empty(147) }] } } }],
    ['patterns', { architecture: {}, selection: { patterns: new Array<string>(148).fill('') } }],
    ['slices', { architecture: { graph: {} }, slices: empty(148) }],
  ] as [string, PredictRequest][])('of many %s is refused without being parsed', async (_, request) => {
    const bytes = bytesOf(request);
    // Two of them are more than the 200 that one node is allowed.
    expect(() => {
      check(bytes, PREDICT, 1);
    }).not.toThrow();
    const refusal = await refusalOf(() => {
      check(Buffer.concat([bytes, bytes]), PREDICT, 1);
    });
    expect(refusal.message).toMatch(/: has more than 200 fields; this server allows 200 times --max-nodes$/);
  });

  it('is bounded in the memory that it takes once it is parsed, whatever the limits', async () => {
    const names = repeated(delimited(3, delimited(1, Buffer.alloc(1000, 'n'))), 16_000);
    const refusal = await refusalOf(() => {
      check(delimited(1, delimited(1, names)), PREDICT, 1_000_000);
    });
    expect(refusal.message).toMatch(/^architecture: takes more than \d+ bytes of memory once it is parsed/);
  });

  it.each([
    ['a field of number 0', Buffer.from([0x00, 0x00]), 'has a field of number 0'],
    [
      'a number of a field that a parser cuts',
      Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x10, 0x00]),
      'has a field of a number above 2^29',
    ],
    ['a group', varint(99 * 8 + 3), 'has a field of wire type 3'],
    ['a message where it has a number', number(1, 5), 'has field architecture with wire type 0'],
    ['a length beyond its end', Buffer.from([0x0a, 0x7f]), 'has a field that ends beyond it'],
    ['an endless number', Buffer.alloc(20, 0xff), 'has a number of more than ten bytes'],
    [
      'a length that is longer than it need be',
      Buffer.from([0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00]),
      'has a number of 32 bits that takes 6 bytes',
    ],
  ])('with %s is refused, since a parser might read it in another way', async (_, bytes, how) => {
    const refusal = await refusalOf(() => {
      check(bytes);
    });
    expect(refusal.violations).toEqual([
      { field: 'request', description: `is no logah.v1.PredictRequest: it ${how}` },
    ]);
  });

  it('that is let pass is one that the parser reads, and any bytes end in one of both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        let passed = true;
        try {
          check(bytes);
        } catch {
          passed = false;
        }
        if (passed)
          expect(() => LogahService.service.Predict.requestDeserialize(Buffer.from(bytes))).not.toThrow();
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('a message of any descriptor', () => {
  it('is bounded in its maps, and in the messages that it holds again and again', () => {
    const node = new Type('Node')
      .add(new MapField('sizes', 1, 'string', 'int64'))
      .add(new Field('child', 2, 'Node'))
      .add(new Field('weights', 3, 'double', 'repeated'));
    new Root().add(node).resolveAll();
    const shape = messageShape(node);
    const entry = delimited(1, delimited(1, Buffer.from('k')), number(2, 7));
    check(entry, shape);
    expect(() => {
      check(repeated(entry, 500_000), shape);
    }).toThrow(/^sizes: (takes more than \d+ bytes of memory|has more than \d+ fields)/);
    let nested: Uint8Array = Buffer.alloc(0);
    for (let depth = 0; depth < 100; depth++) nested = delimited(2, nested);
    expect(() => {
      check(nested, shape);
    }).toThrow('nests more than 64 messages');
    expect(() => {
      check(delimited(3, Buffer.alloc(8 * 65)), shape);
    }).toThrow('weights: has more than 64 numbers');
  });
});
