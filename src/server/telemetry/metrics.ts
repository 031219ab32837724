/** The instruments of a server. `docs/operations.md` lists them; every label has a bound. */

import { status } from '@grpc/grpc-js';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ElementType } from '../../element-type';
import type { Representation } from '../../plan/factors';
import type { LoadResult } from '../models/live-models';
import type { ReloadedFiles, SecurityEvents } from '../security/events';
import { BoundedLabel } from './bounded-label';
import type { CallRecord } from './call-record';

/** Of gRFC A66's bounds, and those of streams that go on for minutes. */
const DURATION_SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 300, 600, 1800, 3600,
];
const STAGE_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const MESSAGE_BYTES = [
  0, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824,
  4294967296,
];

/** Callers that are told apart. */
const MOST_CALLERS = 100;

/** gRFC A66's name of methods that the server does not have. */
export const OTHER_METHOD = 'other';

/** What a stream sends its data as. */
export interface SentAs {
  readonly representation: Representation;
  readonly elementType: ElementType;
  /** Elements of the network that a byte stands for. */
  readonly elementsPerByte: number;
}

/** Counts what one stream sends. */
export type CountSent = (bytes: number) => void;

export class Metrics implements SecurityEvents {
  readonly registry = new Registry();
  readonly #methods: ReadonlySet<string>;
  readonly #callers = new BoundedLabel(MOST_CALLERS);
  readonly #started: Counter;
  readonly #duration: Histogram;
  readonly #sentSize: Histogram;
  readonly #receivedSize: Histogram;
  readonly #stages: Histogram;
  readonly #bytes: Counter;
  readonly #elements: Counter;
  readonly #refused: Counter;
  readonly #loads: Counter;
  readonly #callerCalls: Counter;
  readonly #callerBytes: Counter;
  readonly #certificate: Gauge;
  readonly #reloads: Counter;

  /** `methods`: the paths of all RPCs that the server has. */
  constructor(methods: ReadonlySet<string>) {
    this.#methods = methods;
    const registers = [this.registry];
    const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
      new Counter({ name, help, labelNames, registers });
    const histogram = (name: string, help: string, buckets: number[], labelNames: string[]): Histogram =>
      new Histogram({ name, help, buckets, labelNames, registers });
    const ended = ['grpc_method', 'grpc_status'];
    this.#started = counter('grpc_server_call_started_total', 'Calls that have begun.', ['grpc_method']);
    this.#duration = histogram(
      'grpc_server_call_duration_seconds',
      'From the headers of a call to its end.',
      DURATION_SECONDS,
      ended,
    );
    this.#sentSize = histogram(
      'grpc_server_call_sent_total_compressed_message_size_bytes',
      'Bytes of all messages that a call was sent.',
      MESSAGE_BYTES,
      ended,
    );
    this.#receivedSize = histogram(
      'grpc_server_call_rcvd_total_compressed_message_size_bytes',
      'Bytes of all messages of a request.',
      MESSAGE_BYTES,
      ended,
    );
    this.#stages = histogram('logah_stage_seconds', 'Time of a prediction by stage.', STAGE_SECONDS, [
      'stage',
    ]);
    this.#bytes = counter('logah_sent_bytes_total', 'Bytes of tensors that were sent.', [
      'representation',
      'dtype',
    ]);
    this.#elements = counter(
      'logah_sent_elements_total',
      'Elements of networks that were sent, in whatever form.',
      ['representation', 'dtype'],
    );
    this.#refused = counter('logah_refused_total', 'Calls that were refused, by reason.', ['reason']);
    this.#loads = counter(
      'logah_model_loads_total',
      'Models that were loaded, did not load, or are not served any more.',
      ['result'],
    );
    this.#callerCalls = counter('logah_caller_calls_total', 'Calls that have ended, by caller.', [
      'caller',
      'grpc_status',
    ]);
    this.#callerBytes = counter(
      'logah_caller_sent_bytes_total',
      'Bytes of messages that a caller was sent.',
      ['caller'],
    );
    this.#certificate = new Gauge({
      name: 'logah_certificate_expiry_timestamp_seconds',
      help: 'When the certificate in force expires, in seconds since 1970.',
      registers: [],
    });
    this.#reloads = counter(
      'logah_file_reloads_total',
      'Files of certificates, callers and keys that changed.',
      ['files', 'result'],
    );
    for (const result of ['loaded', 'failed', 'unloaded']) this.#loads.inc({ result }, 0);
    collectDefaultMetrics({ register: this.registry });
    // Sums of others, under names of counters that they are not.
    for (const what of ['handles', 'requests', 'resources']) {
      this.registry.removeSingleMetric(`nodejs_active_${what}_total`);
    }
  }

  /** A figure that is asked for when the metrics are read: of each value of the label. */
  gauge(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: label === '' ? [] : [label],
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        for (const [value, amount] of Object.entries(read())) {
          gauge.set(label === '' ? {} : { [label]: value }, amount);
        }
      },
    });
  }

  /** A number of events that another part of the server counts. */
  total(
    name: string,
    help: string,
    labels: readonly [string, string],
    read: () => Readonly<Record<string, Readonly<Record<string, number>>>>,
  ): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      collect: () => {
        counter.reset();
        for (const [first, amounts] of Object.entries(read())) {
          for (const [second, amount] of Object.entries(amounts)) {
            counter.inc({ [labels[0]]: first, [labels[1]]: second }, amount);
          }
        }
      },
    });
  }

  /** Facts about the server, as labels of a figure that is 1. */
  info(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => readonly Readonly<Record<string, string>>[],
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect: () => {
        gauge.reset();
        for (const labels of read()) gauge.set(labels, 1);
      },
    });
  }

  callStarted(path: string): void {
    this.#started.inc({ grpc_method: this.#methodOf(path) });
  }

  callEnded(record: CallRecord, caller: string): void {
    const code = status[record.status ?? status.CANCELLED] ?? 'UNKNOWN';
    const labels = { grpc_method: this.#methodOf(record.path), grpc_status: code };
    this.#duration.observe(labels, record.seconds);
    this.#sentSize.observe(labels, record.sentBytes);
    this.#receivedSize.observe(labels, Math.max(0, record.receivedBytes));
    for (const [stage, { seconds }] of record.stages) this.#stages.observe({ stage }, seconds);
    if (caller === '') return;
    const name = this.#callers.of(caller);
    this.#callerCalls.inc({ caller: name, grpc_status: code });
    this.#callerBytes.inc({ caller: name }, record.sentBytes);
  }

  /** Counts what a stream sends; a long one is seen while it goes on. */
  sending({ representation, elementType, elementsPerByte }: SentAs): CountSent {
    const bytes = this.#bytes.labels(representation, elementType);
    const elements = this.#elements.labels(representation, elementType);
    return (sent) => {
      bytes.inc(sent);
      elements.inc(sent * elementsPerByte);
    };
  }

  callRefused(reason: string): void {
    this.#refused.inc({ reason });
  }

  modelLoad(result: LoadResult): void {
    this.#loads.inc({ result });
  }

  certificate(expires: Date): void {
    this.registry.registerMetric(this.#certificate);
    this.#certificate.set(expires.getTime() / 1000);
  }

  reloaded(files: ReloadedFiles, taken: boolean): void {
    this.#reloads.inc({ files, result: taken ? 'taken' : 'refused' });
  }

  /** Without the slash, as gRFC A66 has it. */
  #methodOf(path: string): string {
    return this.#methods.has(path) ? path.slice(1) : OTHER_METHOD;
  }
}
