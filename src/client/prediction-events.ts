import type { PredictResponse__Output } from '../gen/logah/v1/PredictResponse';
import type { Summary__Output } from '../gen/logah/v1/Summary';
import { checkPlan, type Asked, type CheckedPlan } from './checked-plan';
import { ProtocolError } from './protocol-error';
import type { DataPart } from './data-part';
import { TensorPieces, type TensorPiece } from './tensor-pieces';

/** The summary that ends a stream. */
export type Summary = Readonly<Summary__Output>;

/** What a prediction yields: the plan, then data in the plan's order, last the summary. */
export type PredictionEvent =
  | { readonly kind: 'plan'; readonly plan: CheckedPlan }
  | {
      readonly kind: 'data';
      /** Position of `data` within the data of all tensors joined, in bytes. */
      readonly offset: number;
      /** The bytes of one chunk: `pieces` joined. Valid until the next event is asked for; copy what is kept longer. */
      readonly data: Buffer;
      readonly pieces: readonly TensorPiece[];
    }
  | { readonly kind: 'summary'; readonly summary: Summary };

/** What the checks need to know of the request. */
export interface RequestLimits extends Asked {
  /** Largest chunk in bytes that the request allows. */
  readonly chunkBytes: number;
  /** Whether the request asked for SHA-256 digests. */
  readonly sha256: boolean;
  /** The part of the data that it asked for; undefined: all. */
  readonly part?: DataPart | undefined;
}

/**
 * Turns the stream's messages into events and checks each against the contract: order, positions, sizes, digests, and
 * that the summary comes. `resumedAt` tells the byte at which the stream was last resumed. Throws ProtocolError; data
 * must not be used unless the summary event arrived.
 */
export async function* predictionEvents(
  messages: AsyncIterable<PredictResponse__Output>,
  limits: RequestLimits,
  resumedAt: () => number = () => 0,
): AsyncGenerator<PredictionEvent, void, undefined> {
  let pieces: TensorPieces | undefined;
  let complete = false;
  for await (const message of messages) {
    const kind = message.message ?? 'empty or of an unknown kind';
    if (complete) {
      throw new ProtocolError('message after the summary', kind, 'none');
    }
    if (message.plan && !pieces) {
      const plan = checkPlan(message.plan, limits);
      pieces = new TensorPieces(plan, limits.chunkBytes, limits.sha256, limits.part);
      yield { kind: 'plan', plan };
    } else if (message.chunk && pieces) {
      const { offset, data } = message.chunk;
      yield { kind: 'data', offset, data, pieces: pieces.accept(message.chunk) };
    } else if (message.summary && pieces) {
      pieces.finish(message.summary, resumedAt());
      complete = true;
      yield { kind: 'summary', summary: message.summary };
    } else {
      throw new ProtocolError('message', kind, pieces ? 'a chunk or the summary' : 'the plan first');
    }
  }
  if (!complete) {
    throw new ProtocolError('end of the stream', 'early', 'after the summary');
  }
}
