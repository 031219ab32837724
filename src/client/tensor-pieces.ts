import { createHash, type Hash } from 'node:crypto';
import { crc32 } from '../checksum/crc32';
import type { Chunk__Output } from '../gen/logah/v1/Chunk';
import type { Summary__Output } from '../gen/logah/v1/Summary';
import type { TensorDigest__Output } from '../gen/logah/v1/TensorDigest';
import { sentTensors, type CheckedPlan, type TensorPlan } from './checked-plan';
import { expectEqual, ProtocolError } from './protocol-error';
import type { DataPart } from './data-part';

/** A run of one tensor's bytes. */
export interface TensorPiece {
  readonly tensor: TensorPlan;
  /** Position of `data` within the tensor, in bytes; pieces of a tensor come in order and without gaps. */
  readonly offset: number;
  /** A view of the chunk's memory; copy it to keep it longer than the chunk. */
  readonly data: Buffer;
}

interface ComputedDigest {
  crc32: number;
  readonly sha256: Hash | undefined;
}

/** Cuts the stream's chunks into pieces of tensors, and checks positions, sizes and digests on the way. */
export class TensorPieces {
  readonly #plan: CheckedPlan;
  readonly #tensors: readonly TensorPlan[];
  readonly #digests: ComputedDigest[] = [];
  readonly #maxChunkBytes: number;
  readonly #sha256: boolean;
  #position: number;
  readonly #end: number;
  /** Index of the tensor that byte `#position` belongs to. */
  #current = 0;

  /**
   * `sha256`: the request asked for SHA-256 digests, so they are computed and compared too. `part`: the stream has only
   * these bytes of the data; they begin and end with tensors.
   */
  constructor(plan: CheckedPlan, maxChunkBytes: number, sha256: boolean, part?: DataPart) {
    const { start, end } = part ?? { start: 0, end: plan.totalBytes };
    this.#plan = plan;
    // What has no elements has no bytes, and no digest.
    this.#tensors = sentTensors(plan).filter(
      ({ offset, bytes }) => bytes > 0 && offset >= start && offset < end,
    );
    this.#position = start;
    this.#end = end;
    this.#maxChunkBytes = maxChunkBytes;
    this.#sha256 = sha256;
  }

  /** The pieces of the next chunk. Throws ProtocolError where it does not continue the one before. */
  accept({ offset, data }: Chunk__Output): readonly TensorPiece[] {
    expectEqual('chunk offset', offset, this.#position);
    if (data.length === 0 || data.length > this.#maxChunkBytes) {
      throw new ProtocolError(
        `size of the chunk at ${offset}`,
        data.length,
        `1 to ${this.#maxChunkBytes} bytes`,
      );
    }
    const end = offset + data.length;
    if (end > this.#end) {
      throw new ProtocolError('end of the last chunk', end, `at most ${this.#end}`);
    }
    const pieces: TensorPiece[] = [];
    while (this.#position < end) {
      pieces.push(this.#nextPiece(offset, data));
    }
    return pieces;
  }

  /** Bytes received so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Compares everything received with the summary. A stream that was resumed, last at byte `resumedAt`, has no digests
   * of the tensors that had come whole by then. Throws ProtocolError where it is incomplete or differs.
   */
  finish(summary: Summary__Output, resumedAt = 0): void {
    expectEqual('end of the bytes received', this.#position, this.#end);
    expectEqual('summary.total_bytes', summary.totalBytes, this.#plan.totalBytes);
    const first = this.#tensors.filter((tensor) => tensor.offset + tensor.bytes <= resumedAt).length;
    expectEqual('number of digests in the summary', summary.digests.length, this.#tensors.length - first);
    summary.digests.forEach((digest, index) => {
      this.#compare(digest, first + index);
    });
  }

  #nextPiece(chunkOffset: number, chunk: Buffer): TensorPiece {
    const tensor = this.#tensors[this.#current];
    if (!tensor) {
      throw new Error(`no tensor at byte ${this.#position} of the plan`);
    }
    const start = this.#position - chunkOffset;
    const data = chunk.subarray(start, Math.min(chunk.length, tensor.offset + tensor.bytes - chunkOffset));
    const digest = (this.#digests[this.#current] ??= {
      crc32: 0,
      sha256: this.#sha256 ? createHash('sha256') : undefined,
    });
    digest.crc32 = crc32(data, digest.crc32);
    digest.sha256?.update(data);
    const piece = { tensor, offset: this.#position - tensor.offset, data };
    this.#position += data.length;
    if (this.#position === tensor.offset + tensor.bytes) {
      this.#current += 1;
    }
    return piece;
  }

  #compare(received: TensorDigest__Output, index: number): void {
    const name = this.#tensors[index]?.name ?? '';
    const computed = this.#digests[index];
    expectEqual(`name of digest ${index}`, `"${received.name}"`, `"${name}"`);
    const hex = (value: number): string => value.toString(16).padStart(8, '0');
    expectEqual(`CRC-32 of "${name}"`, hex(computed?.crc32 ?? 0), hex(received.crc32));
    if (computed?.sha256) {
      expectEqual(`SHA-256 of "${name}"`, computed.sha256.digest('hex'), received.sha256.toString('hex'));
    }
  }
}
