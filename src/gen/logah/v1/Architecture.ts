// Original file: proto/logah/v1/architecture.proto

import type { ArchitectureGraph as _logah_v1_ArchitectureGraph, ArchitectureGraph__Output as _logah_v1_ArchitectureGraph__Output } from '../../logah/v1/ArchitectureGraph';
import type { OnnxContent as _logah_v1_OnnxContent, OnnxContent__Output as _logah_v1_OnnxContent__Output } from '../../logah/v1/OnnxContent';

export interface Architecture {
  'graph'?: (_logah_v1_ArchitectureGraph | null);
  'transformersConfig'?: (Buffer | Uint8Array | string);
  'onnx'?: (Buffer | Uint8Array | string);
  'onnxContents'?: (_logah_v1_OnnxContent)[];
  'source'?: "graph"|"transformersConfig"|"onnx";
}

export interface Architecture__Output {
  'graph'?: (_logah_v1_ArchitectureGraph__Output | null);
  'transformersConfig'?: (Buffer);
  'onnx'?: (Buffer);
  'onnxContents': (_logah_v1_OnnxContent__Output)[];
  'source'?: "graph"|"transformersConfig"|"onnx";
}
