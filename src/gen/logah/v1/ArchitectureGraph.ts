// Original file: proto/logah/v1/architecture.proto

import type { Node as _logah_v1_Node, Node__Output as _logah_v1_Node__Output } from '../../logah/v1/Node';
import type { Edge as _logah_v1_Edge, Edge__Output as _logah_v1_Edge__Output } from '../../logah/v1/Edge';
import type { Parameter as _logah_v1_Parameter, Parameter__Output as _logah_v1_Parameter__Output } from '../../logah/v1/Parameter';

export interface ArchitectureGraph {
  'name'?: (string);
  'family'?: (string);
  'nodes'?: (_logah_v1_Node)[];
  'edges'?: (_logah_v1_Edge)[];
  'parameters'?: (_logah_v1_Parameter)[];
  'initializerRange'?: (number | string);
  '_initializerRange'?: "initializerRange";
}

export interface ArchitectureGraph__Output {
  'name': (string);
  'family': (string);
  'nodes': (_logah_v1_Node__Output)[];
  'edges': (_logah_v1_Edge__Output)[];
  'parameters': (_logah_v1_Parameter__Output)[];
  'initializerRange'?: (number);
  '_initializerRange'?: "initializerRange";
}
