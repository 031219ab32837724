/** ONNX files without their weights. */

import { create } from '@bufbuild/protobuf';
import { ArchitectureSchema, type Architecture } from '../../../src/gen/es/logah/v1/architecture_pb';

/** The version of the format, field 1, comes first in the files that tools write. */
export function isOnnx(head: Uint8Array): boolean {
  const [field, version = 0] = head;
  return field === 0x08 && version > 0 && version < 64;
}

/** The architecture of an ONNX file; the data of its weights is left out before anything is sent. */
export async function readOnnx(file: File): Promise<Architecture> {
  const value = new Uint8Array(await file.arrayBuffer());
  return create(ArchitectureSchema, { source: { case: 'onnx', value } });
}
