/** A prediction's data in order, with every tensor's digest checked; nothing of it is kept. */

import { service } from '../contract/client';
import type { Plan, PredictRequest, Summary, TensorPlan } from '../../../src/gen/es/logah/v1/logah_pb';
import { crc32 } from './crc32';
import type { SumOf } from './weights-file';

/** Where data goes, in order. */
export interface Target {
  /** Before any data; the plan says what is to come. */
  readonly begin: (plan: Plan) => Promise<void>;
  /** Resolves when more can be taken; `sumOf` knows the tensors that end within the data, and those before. */
  readonly write: (data: Uint8Array, sumOf: SumOf) => Promise<void>;
  /** Behind all data, which was right. */
  readonly end: (sumOf: SumOf) => Promise<void>;
}

/** Streams a prediction into a target. Rejects with ConnectError, with the target's error, or where a digest is wrong. */
export async function streamChecked(
  request: PredictRequest,
  target: Target,
  signal: AbortSignal,
): Promise<Plan> {
  let plan: Plan | undefined;
  let digests: TensorSums | undefined;
  let summary: Summary | undefined;
  for await (const { message } of service.predict(request, { signal })) {
    switch (message.case) {
      case 'plan':
        plan = message.value;
        digests = new TensorSums(plan);
        await target.begin(plan);
        break;
      case 'chunk':
        if (digests === undefined) throw new Error('data came before its plan');
        digests.add(message.value.data, Number(message.value.offset));
        await target.write(message.value.data, digests.sumOf);
        break;
      case 'summary':
        summary = message.value;
        break;
      case undefined:
        break;
    }
  }
  if (plan === undefined || digests === undefined || summary === undefined) {
    throw new Error('the stream ended before its summary');
  }
  digests.compare(summary);
  await target.end(digests.sumOf);
  return plan;
}

/** CRC-32 of each tensor, as its bytes pass. */
class TensorSums {
  readonly #tensors: readonly TensorPlan[];
  readonly #sums = new Map<string, number>();
  readonly #total: number;
  #next = 0;
  #position = 0;

  constructor(plan: Plan) {
    this.#tensors = plan.tensors.filter(({ sent, bytes }) => sent && bytes > 0n);
    this.#total = Number(plan.totalBytes);
  }

  readonly sumOf: SumOf = (name) => this.#sums.get(name) ?? 0;

  add(data: Uint8Array, offset: number): void {
    if (offset !== this.#position)
      throw new Error(`data for byte ${offset} came where ${this.#position} was next`);
    let at = 0;
    while (at < data.length) {
      const tensor = this.#tensors[this.#next];
      if (tensor === undefined) throw new Error('data came behind the last tensor');
      const end = Number(tensor.offset + tensor.bytes);
      const taken = Math.min(data.length - at, end - this.#position);
      this.#sums.set(tensor.name, crc32(data.subarray(at, at + taken), this.#sums.get(tensor.name)));
      at += taken;
      this.#position += taken;
      if (this.#position === end) this.#next++;
    }
  }

  compare({ digests, totalBytes }: Summary): void {
    if (this.#position !== this.#total || Number(totalBytes) !== this.#total) {
      throw new Error(`${this.#position} bytes came of ${this.#total}`);
    }
    const wrong = digests
      .filter(({ name, crc32: sum }) => this.#sums.get(name) !== sum)
      .map(({ name }) => name);
    if (wrong.length > 0 || digests.length !== this.#tensors.length) {
      throw new Error(`the digest of ${wrong[0] ?? 'a tensor'} is wrong: the file is not to be used`);
    }
  }
}
