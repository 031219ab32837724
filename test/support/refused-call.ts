import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { FieldViolation } from '../../src/errors';
import type { LogahServiceClient } from '../../src/gen/logah/v1/LogahService';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { decodeStatusDetails, STATUS_DETAILS_KEY } from '../../src/contract/rpc-status';

/** How a call failed: its status and the google.rpc details. */
export interface RefusedCall {
  readonly code: number;
  readonly message: string;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly requestId: string;
  /** Messages that came before. */
  readonly messages: number;
}

/** Reads a stream to its end, which must be an error. */
export function refusedStream(call: ClientReadableStream<PredictResponse__Output>): Promise<RefusedCall> {
  return new Promise((resolve, reject) => {
    let messages = 0;
    call.on('data', () => (messages += 1));
    call.on('end', () => {
      reject(new Error('the call was not refused'));
    });
    call.on('error', (error: ServiceError) => {
      resolve({ ...describeFailure(error), messages });
    });
  });
}

/** Calls `Predict` and `Plan` with the same request; both must be refused in the same way. */
export async function refusedRequest(
  stub: LogahServiceClient,
  request: PredictRequest,
): Promise<RefusedCall> {
  const refused = await refusedStream(stub.Predict(request));
  const plan = await new Promise<Omit<RefusedCall, 'messages'>>((resolve, reject) => {
    stub.Plan({ request }, (error) => {
      if (error) resolve(describeFailure(error));
      else reject(new Error('the plan was not refused'));
    });
  });
  expect({ ...plan, requestId: '' }).toEqual({ ...refused, requestId: '', messages: undefined });
  return refused;
}

export function describeFailure(error: ServiceError): Omit<RefusedCall, 'messages'> {
  const [bytes] = error.metadata.get(STATUS_DETAILS_KEY);
  const details = Buffer.isBuffer(bytes) ? decodeStatusDetails(bytes) : undefined;
  return {
    code: error.code,
    message: error.details,
    violations: details?.violations ?? [],
    retryAfterMs: details?.retryAfterMs,
    reason: details?.reason,
    requestId: String(error.metadata.get('x-request-id')[0]),
  };
}
