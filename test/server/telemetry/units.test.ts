import { otlpSettings } from '../../../src/config/otlp';
import { BoundedLabel } from '../../../src/server/telemetry/bounded-label';
import { StreamClock } from '../../../src/server/telemetry/stream-clock';
import { CallRecord } from '../../../src/server/telemetry/call-record';
import { traceContextOf } from '../../../src/server/telemetry/trace-context';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, 1],
  ])('%s names a trace', (parent, flags) => {
    expect(traceContextOf(parent, 'a=b')).toEqual({ traceId: TRACE, spanId: SPAN, flags, state: 'a=b' });
  });

  it.each([
    undefined,
    '',
    Buffer.from(`00-${TRACE}-${SPAN}-01`),
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01\n`,
  ])('%j names none', (parent) => {
    expect(traceContextOf(parent, undefined)).toBeUndefined();
  });

  it('may come with a state, which is left out where it is too long', () => {
    expect(traceContextOf(`00-${TRACE}-${SPAN}-01`, 'x'.repeat(513))?.state).toBeUndefined();
  });
});

it('a label whose values others choose has so many and no more', () => {
  const label = new BoundedLabel(2);
  expect(['a', 'b', 'c', 'a', 'd'].map((value) => label.of(value))).toEqual([
    'a',
    'b',
    'other',
    'a',
    'other',
  ]);
});

it('the stages of a stream take the time that it takes', () => {
  const record = new CallRecord('/a/b');
  const clock = new StreamClock();
  clock.gotChunk();
  clock.wroteChunk();
  clock.gotChunk();
  clock.note(record, 0);
  const { decodeSeconds, writeSeconds, streamSeconds } = record.timings;
  expect(decodeSeconds).toBeGreaterThan(0);
  expect(writeSeconds).toBeGreaterThan(0);
  expect(streamSeconds).toBe(decodeSeconds + writeSeconds);
  expect([...record.stages.keys()]).toEqual(['decode', 'write']);
});

describe("OpenTelemetry's variables", () => {
  it.each([
    [{}, undefined, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http/protobuf', 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, undefined, undefined],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318' }, 'http/protobuf', undefined],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http/protobuf', undefined],
    [{ OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, undefined, 'grpc'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_METRICS_EXPORTER: 'none' }, 'http/protobuf', undefined],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      'http/json',
      'http/protobuf',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'TRUE' }, undefined, undefined],
  ])('%j ask for traces by %s and metrics by %s', (environment, traces, metrics) => {
    expect(otlpSettings(environment)).toEqual({ traces, metrics, metricIntervalMs: 60_000 });
  });

  it('are refused where they name a protocol that there is not', () => {
    const environment = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' };
    expect(() => otlpSettings(environment)).toThrow(
      'OTEL_EXPORTER_OTLP_PROTOCOL is "thrift"; it must be grpc, http/protobuf or http/json',
    );
  });
});
