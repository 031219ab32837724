import type { ChannelOptions } from '@grpc/grpc-js';

/** HTTP/2 receive window in bytes; four times the throughput of the default 64 KiB over loopback. */
const FLOW_CONTROL_WINDOW_BYTES = 8 * 1024 * 1024;

/** Room for a plan of some 100,000 tensors and for the largest chunk (4 MiB). */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Milliseconds between pings while a call is open, and how long an answer may take. */
const KEEPALIVE_TIME_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/**
 * Tries a call up to three times where the server cannot be reached. gRPC itself never repeats a stream that has
 * delivered a message, so `Predict` is covered up to its plan.
 */
const RETRY_UNAVAILABLE = {
  loadBalancingConfig: [],
  methodConfig: [
    {
      name: [{ service: 'logah.v1.LogahService' }],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.1s',
        maxBackoff: '1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};

/** The channel options of a client; `docs/clients.md` lists them for other languages. */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.service_config': JSON.stringify(RETRY_UNAVAILABLE),
};
