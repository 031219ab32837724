/** Deadlines, of which grpc-js leaves a part to its users. */

import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';

/** How long before the deadline the last message may be written; more than timers and clocks may differ by. */
const MARGIN_MS = 10;

/**
 * Writes no message of a stream once its deadline is at hand: when it passes, grpc-js ends the stream, and a message
 * that is written after that leaves it open for ever, without a status.
 */
export const silentAtDeadline: ServerInterceptor = (method, call) => {
  const responder = new ResponderBuilder().withSendMessage((message, next) => {
    if (!method.responseStream || Date.now() < Number(call.getDeadline()) - MARGIN_MS) next(message);
  });
  return new ServerInterceptingCall(call, responder.build());
};
