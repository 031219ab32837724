import type { CheckedPlan, LogahClient, PredictRequest, Summary } from '../../src/client';

/** A whole answer: what a client of the library keeps in memory. */
export interface Predicted {
  readonly plan: CheckedPlan;
  readonly data: Buffer;
  readonly summary: Summary;
  /** Lengths of the chunks. */
  readonly chunks: readonly number[];
  /** The bytes of a tensor. */
  readonly tensor: (name: string) => Buffer;
}

export async function predictAll(client: LogahClient, request: PredictRequest): Promise<Predicted> {
  const parts: Buffer[] = [];
  let plan: CheckedPlan | undefined;
  let summary: Summary | undefined;
  for await (const event of client.predict(request)) {
    if (event.kind === 'plan') plan = event.plan;
    else if (event.kind === 'data') parts.push(event.data);
    else summary = event.summary;
  }
  if (plan === undefined || summary === undefined) throw new Error('the stream has no plan or no summary');
  const whole = { plan, data: Buffer.concat(parts), summary };
  return {
    ...whole,
    chunks: parts.map((part) => part.length),
    tensor: (name) => {
      const tensor = whole.plan.tensors.find((candidate) => candidate.name === name && candidate.sent);
      if (tensor === undefined) throw new Error(`${name} was not sent`);
      return whole.data.subarray(tensor.offset, tensor.offset + tensor.bytes);
    },
  };
}
