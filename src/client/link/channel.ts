import type { ChannelOptions } from '@grpc/grpc-js';
import { isLoopbackHost } from '../../loopback';

/**
 * HTTP/2 receive window in bytes: what a stream may have on its way, and what waits in memory for a reader that is slower than
 * the server. Node.js gives back what was read only when that is half of it, so a line carries half in a round trip: 1.7 GB/s
 * at 10 ms, 335 MB/s at 50 ms.
 */
const FLOW_CONTROL_WINDOW_BYTES = 32 * 1024 * 1024;

/** Room for a plan of some 100,000 tensors and for the largest chunk (4 MiB). */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * Milliseconds between pings while a call is open, and how long an answer may take: a connection whose other end hangs is
 * given up before a stream over it counts as stalled, so that the next attempt has a new one.
 */
const KEEPALIVE_TIME_MS = 15_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** Milliseconds between attempts to connect; grpc-js would wait up to two minutes for a server that is back after one. */
const FIRST_RECONNECT_MS = 100;
const LAST_RECONNECT_MS = 2000;

/** The channel options of a client; `docs/clients.md` lists them for other languages. */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
  'grpc.max_reconnect_backoff_ms': LAST_RECONNECT_MS,
};

/** Calls take turns among all addresses that a name has; gRPC's default stays with the first that answers. */
const TAKE_TURNS = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/**
 * The options for a server: those above, of the loopback that no HTTP proxy (`http_proxy`) leads there, and of a target
 * that says how it is resolved ("dns:///logah-headless:50051", "ipv4:a:1,b:2") that calls take turns among its addresses.
 */
export function channelOptions(target: string): ChannelOptions {
  return {
    ...CHANNEL_OPTIONS,
    ...(isLoopback(target) && { 'grpc.enable_http_proxy': 0 }),
    ...(/^(?:dns|ipv4|ipv6):/i.test(target) && { 'grpc.service_config': TAKE_TURNS }),
  };
}

/** Whether a gRPC target ("host:port", "dns:///host:port", "ipv4:a:1,b:2", "unix:path") is on this machine. */
export function isLoopback(target: string): boolean {
  const path = target.replace(/^(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?/i, '');
  if (/^unix(?:-abstract)?:/i.test(path)) return true;
  return path.split(',').every((address) => isHere(hostOf(address)));
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address);
  if (bracketed) return bracketed[1] ?? '';
  // More than one colon without brackets: an IPv6 address without a port.
  return address.indexOf(':') === address.lastIndexOf(':') ? address.replace(/:\d*$/, '') : address;
}

/** For a client, the address that stands for all of a machine's is this machine's. */
function isHere(host: string): boolean {
  return isLoopbackHost(host) || host === '0.0.0.0' || host === '::';
}
