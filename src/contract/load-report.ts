/**
 * The load report of gRFC A51: an `xds.data.orca.v3.OrcaLoadReport` in the trailers of a call, which balancers (gRPC's
 * `weighted_round_robin`, Envoy) weigh servers by. Field numbers are those of cncf/xds `orca_load_report.proto`.
 */

import { Root, type IMapField } from 'protobufjs';

/** The metadata key that carries the encoded report. */
export const LOAD_REPORT_KEY = 'endpoint-load-metrics-bin';

/** How loaded a server is. Shares are of 1, and may be above it. */
export interface LoadReport {
  readonly cpuUtilization: number;
  readonly memUtilization: number;
  /** The share of what is nearest to its limit. */
  readonly applicationUtilization: number;
  /** Calls that end in a second, and those that end with a fault of the server. */
  readonly rpsFractional: number;
  readonly eps: number;
  /** Shares of limits by name. */
  readonly utilization: Readonly<Record<string, number>>;
}

const UTILIZATION: IMapField = { keyType: 'string', type: 'double', id: 5 };

const type = Root.fromJSON({
  nested: {
    OrcaLoadReport: {
      fields: {
        cpuUtilization: { type: 'double', id: 1 },
        memUtilization: { type: 'double', id: 2 },
        utilization: UTILIZATION,
        rpsFractional: { type: 'double', id: 6 },
        eps: { type: 'double', id: 7 },
        applicationUtilization: { type: 'double', id: 9 },
      },
    },
  },
}).lookupType('OrcaLoadReport');

/** The bytes for `endpoint-load-metrics-bin`. */
export function encodeLoadReport(report: LoadReport): Buffer {
  return Buffer.from(type.encode(report).finish());
}
