/**
 * The one accounting of what all calls together hold: connections, calls, streams that predict, and bytes. Work that
 * cannot start soon is refused at once, with advice.
 */

import { Budget, type Holder } from './budget';
import { MAX_BYTES_IN_FLIGHT } from '../answers/writing';

/** Shares of the bytes that calls may hold: requests that arrive, plans, and tiles; the rest is for chunks. */
const REQUEST_SHARE = 0.2;
const PLAN_SHARE = 0.2;
const TILE_SHARE = 0.3;
const CHUNK_SHARE = 0.3;

/** However many streams there are, chunks are not made smaller than this. */
const SMALLEST_CHUNK_BYTES = 2 ** 17;

/** What one stream may hold of its data. */
export interface ChunkShare {
  /** The largest chunk. */
  readonly chunkBytes: number;
  /** Bytes on their way to the reader before the next chunk waits. */
  readonly bytesInFlight: number;
}

/** What a server admits. */
export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxCalls: number;
  readonly maxStreams: number;
  readonly maxRequestBytes: number;
  readonly bufferBytes: number;
}

export class Admission {
  /** Connections, with or without calls. */
  readonly connections: Budget;
  /** Calls of every RPC. */
  readonly calls: Budget;
  /** Predict calls. */
  readonly predictions: Budget;
  /** Bytes of requests that have not been read whole, or wait to be planned. */
  readonly requestBytes: Budget;
  /** Bytes of plans, as long as their calls go on, and of other answers that are made for one caller alone. */
  readonly planBytes: Budget;
  /** Bytes of tiles, of all streams together. */
  readonly tileBytes: number;
  /** Bytes of chunks that are filled or wait for their readers, of all streams together. */
  readonly chunkBytes: number;

  constructor(limits: AdmissionLimits) {
    const { maxConnections, maxCalls, maxStreams, maxRequestBytes, bufferBytes } = limits;
    this.connections = new Budget(maxConnections, {
      held: 'connections are open',
      setting: '--max-connections',
    });
    this.calls = new Budget(maxCalls, { held: 'calls are open', setting: '--max-calls', inTurns: true });
    this.predictions = new Budget(maxStreams, {
      held: 'streams are in flight',
      setting: '--max-streams',
      inTurns: true,
    });
    const bytes = { held: 'bytes of requests are on their way', setting: 'a fifth of --buffer-bytes' };
    // One request of the largest size must always fit, and another beside it.
    this.requestBytes = new Budget(Math.max(2 * maxRequestBytes, REQUEST_SHARE * bufferBytes), bytes);
    this.planBytes = new Budget(PLAN_SHARE * bufferBytes, {
      held: 'bytes of plans are held',
      setting: 'a fifth of --buffer-bytes',
    });
    this.tileBytes = TILE_SHARE * bufferBytes;
    this.chunkBytes = CHUNK_SHARE * bufferBytes;
  }

  /** What is held, as a share of what may be. */
  get shares(): Readonly<
    Record<'connections' | 'calls' | 'streams' | 'request_bytes' | 'plan_bytes', number>
  > {
    const share = ({ used, limit }: Budget): number => used / limit;
    return {
      connections: share(this.connections),
      calls: share(this.calls),
      streams: share(this.predictions),
      request_bytes: share(this.requestBytes),
      plan_bytes: share(this.planBytes),
    };
  }

  /**
   * What a stream that starts now gets, where it asked for chunks of `wanted` bytes: one is filled while others leave.
   * Callers have equal shares, and so have the streams of each.
   */
  chunkShare(caller: Holder, wanted: number): ChunkShare {
    const { holders } = this.predictions;
    const share = this.chunkBytes / Math.max(1, holders) / Math.max(1, this.predictions.usedBy(caller));
    const chunkBytes = Math.min(wanted, Math.max(SMALLEST_CHUNK_BYTES, Math.floor(share / 2)));
    return { chunkBytes, bytesInFlight: Math.max(1, Math.min(MAX_BYTES_IN_FLIGHT, share - chunkBytes)) };
  }
}
