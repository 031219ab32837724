import { once } from 'node:events';
import { credentials, type ClientReadableStream } from '@grpc/grpc-js';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { LogahService } from '../../src/contract/service-clients';

/** GPT-2 small, 0.5 GB in float32. */
export const LARGE: PredictRequest = {
  architecture: { transformersConfig: Buffer.from('{"model_type": "gpt2"}') },
};

/** A linear layer on the input, 48 bytes. */
export const SMALL: PredictRequest = { architecture: { graph: chain(2) } };

/** `nodes` nodes in a row, and one parameter. */
export function chain(nodes: number): ArchitectureGraph {
  return {
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `n${index}`,
      operation: index === 0 ? 'input' : index === 1 ? 'conv' : 'sum',
      ...(index === 1 && { shape: [4, 3] }),
    })),
    edges: Array.from({ length: nodes - 1 }, (_, index) => ({ source: index, target: index + 1 })),
    parameters: [
      {
        name: 'weight',
        shape: [4, 3],
        blocks: [{ length: 4, prediction: { node: 1, role: 'ROLE_MATRIX' } }],
      },
    ],
  };
}

export type PredictStream = ClientReadableStream<PredictResponse__Output>;

/** A stream of which only the plan has been read, over a connection with small windows of its own. */
export interface StalledStream {
  readonly stream: PredictStream;
  /** The code that it ends with. */
  readonly code: Promise<number>;
  readonly close: () => void;
}

/** Asks for a large prediction and stops reading. */
export async function stalledStream(address: string, deadlineMs?: number): Promise<StalledStream> {
  const stub = new LogahService(address, credentials.createInsecure());
  const stream = stub.Predict(LARGE, deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs });
  const code = codeOf(stream);
  await once(stream, 'data');
  stream.pause();
  return {
    stream,
    code,
    close: () => {
      stream.cancel();
      stub.close();
    },
  };
}

/** The code that a stream ends with, once it has been read. */
export function codeOf(stream: PredictStream): Promise<number> {
  stream.on('error', () => undefined);
  return new Promise((resolve) => {
    stream.on('status', ({ code }) => {
      resolve(code);
    });
  });
}

/** Reads a stalled stream to its end: the names of its messages, in the order of their first. */
export async function readToEnd({ stream, code }: StalledStream): Promise<string[]> {
  const kinds = new Set<string>();
  stream.on('data', ({ message }: PredictResponse__Output) => kinds.add(String(message)));
  stream.resume();
  await code;
  return [...kinds];
}
