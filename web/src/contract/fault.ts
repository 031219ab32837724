/** What went wrong, in the words of whoever says it. */

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Code, ConnectError } from '@connectrpc/connect';

/** What is wrong with one field of a request. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A failure as the page shows it. */
export interface Fault {
  /** "unauthenticated": the token is missing or wrong; "unavailable": the server is away. */
  readonly kind: 'unauthenticated' | 'unavailable' | 'request' | 'other';
  readonly message: string;
  readonly violations: readonly FieldViolation[];
}

/** A file that cannot be read, told before anything is sent. */
export class FileFault extends Error {}

/** The fault of anything that was thrown; undefined where it was only called off. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof FileFault) return { kind: 'request', message: error.message, violations: [] };
  if (!(error instanceof ConnectError) && error instanceof Error && !(error instanceof TypeError)) {
    return { kind: 'other', message: error.message, violations: [] };
  }
  const from = ConnectError.from(error);
  if (from.code === Code.Canceled) return undefined;
  const violations = violationsOf(from);
  return { kind: kindOf(from.code), message: messageOf(from), violations };
}

/** Codes that tell more than that something went wrong. */
const KINDS: Readonly<Partial<Record<Code, Fault['kind']>>> = {
  [Code.Unauthenticated]: 'unauthenticated',
  [Code.PermissionDenied]: 'unauthenticated',
  [Code.Unavailable]: 'unavailable',
  // What a browser says of a connection that fails.
  [Code.Unknown]: 'unavailable',
  [Code.InvalidArgument]: 'request',
  [Code.NotFound]: 'request',
  [Code.FailedPrecondition]: 'request',
  [Code.OutOfRange]: 'request',
};

function kindOf(code: Code): Fault['kind'] {
  return KINDS[code] ?? 'other';
}

function messageOf({ code, rawMessage }: ConnectError): string {
  if (code === Code.Unavailable || code === Code.Unknown) {
    return `The server cannot be reached (${rawMessage || 'no answer'}).`;
  }
  return rawMessage;
}

/** `google.rpc.BadRequest` among the details. */
function violationsOf({ details }: ConnectError): FieldViolation[] {
  return details.flatMap((detail) =>
    'type' in detail && detail.type === 'google.rpc.BadRequest' ? readBadRequest(detail.value) : [],
  );
}

function readBadRequest(bytes: Uint8Array): FieldViolation[] {
  const violations: FieldViolation[] = [];
  eachField(bytes, (field, value) => {
    if (field !== 1) return;
    const texts = ['', ''];
    eachField(value, (inner, text) => {
      if (inner <= 2) texts[inner - 1] = new TextDecoder().decode(text);
    });
    const [name = '', description = ''] = texts;
    violations.push({ field: name, description });
  });
  return violations;
}

function eachField(bytes: Uint8Array, take: (field: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) take(field, reader.bytes());
    else reader.skip(wireType);
  }
}
