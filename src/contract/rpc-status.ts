/**
 * The `google.rpc.Status` of the trailing metadata entry `grpc-status-details-bin`: the server encodes it, the client
 * decodes it. Field numbers are those of googleapis `google/rpc/status.proto` and `error_details.proto`.
 */

import { Root, type IMapField } from 'protobufjs';
import type { FieldViolation } from '../errors';

/** The metadata key that carries the encoded status. */
export const STATUS_DETAILS_KEY = 'grpc-status-details-bin';

/** `ErrorInfo.domain` of our errors. */
export const ERROR_DOMAIN = 'logah';

/** A gRPC status with the details that this service sends. */
export interface StatusDetails {
  /** The gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** `google.rpc.BadRequest`; absent or empty: none. */
  readonly violations?: readonly FieldViolation[] | undefined;
  /** `google.rpc.RetryInfo`, in milliseconds; absent: no advice. */
  readonly retryAfterMs?: number | undefined;
  /** `google.rpc.ErrorInfo.reason`, such as "CANCELLED"; absent or empty: none. */
  readonly reason?: string | undefined;
  /** `google.rpc.ErrorInfo.metadata`; absent: none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** `google.rpc.ErrorInfo.domain`: who says so; encoded is always ours. */
  readonly domain?: string | undefined;
}

const METADATA: IMapField = { keyType: 'string', type: 'string', id: 3 };

const googleRpc = Root.fromJSON({
  nested: {
    Any: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    FieldViolation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
    BadRequest: { fields: { fieldViolations: { rule: 'repeated', type: 'FieldViolation', id: 1 } } },
    RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
    ErrorInfo: {
      fields: {
        reason: { type: 'string', id: 1 },
        domain: { type: 'string', id: 2 },
        metadata: METADATA,
      },
    },
  },
});

type DetailName = 'BadRequest' | 'RetryInfo' | 'ErrorInfo';

interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

function encode(name: string, message: Record<string, unknown>): Uint8Array {
  return googleRpc.lookupType(name).encode(message).finish();
}

/** The message as a plain object with every field set; its shape is what the table above says of `name`. */
function decode(name: string, bytes: Uint8Array): unknown {
  const type = googleRpc.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: Number, defaults: true });
}

function pack(name: DetailName, message: Record<string, unknown>): AnyMessage {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: encode(name, message) };
}

/** The bytes for `grpc-status-details-bin`. */
export function encodeStatusDetails(status: StatusDetails): Buffer {
  const details: AnyMessage[] = [];
  if (status.reason) {
    details.push(
      pack('ErrorInfo', { reason: status.reason, domain: ERROR_DOMAIN, metadata: status.metadata ?? {} }),
    );
  }
  if (status.violations?.length) {
    details.push(pack('BadRequest', { fieldViolations: status.violations }));
  }
  if (status.retryAfterMs !== undefined) {
    const seconds = Math.floor(status.retryAfterMs / 1000);
    const nanos = Math.round((status.retryAfterMs - seconds * 1000) * 1e6);
    details.push(pack('RetryInfo', { retryDelay: { seconds, nanos } }));
  }
  return Buffer.from(encode('Status', { code: status.code, message: status.message, details }));
}

/** Reads the bytes of `grpc-status-details-bin`; details of other types are skipped. Undefined: not a Status. */
export function decodeStatusDetails(bytes: Uint8Array): StatusDetails | undefined {
  try {
    const status = decode('Status', bytes) as {
      code: number;
      message: string;
      details: readonly AnyMessage[];
    };
    const find = (name: DetailName): unknown => {
      const any = status.details.find((detail) => detail.typeUrl.endsWith(`/google.rpc.${name}`));
      return any && decode(name, any.value);
    };
    const badRequest = find('BadRequest') as { fieldViolations: readonly FieldViolation[] } | undefined;
    const retry = find('RetryInfo') as { retryDelay: { seconds: number; nanos: number } | null } | undefined;
    const info = find('ErrorInfo') as
      { reason: string; domain: string; metadata: Record<string, string> } | undefined;
    return {
      code: status.code,
      message: status.message,
      violations: badRequest?.fieldViolations ?? [],
      retryAfterMs: retry?.retryDelay
        ? retry.retryDelay.seconds * 1000 + retry.retryDelay.nanos / 1e6
        : undefined,
      reason: info?.reason,
      domain: info?.domain,
      metadata: info?.metadata ?? {},
    };
  } catch {
    return undefined;
  }
}
