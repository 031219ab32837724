import { LogahError } from '../errors';

/** The server's answer contradicts the contract or its own plan; what was received must not be used. */
export class ProtocolError extends LogahError {
  /** What is wrong, such as "chunk offset". */
  readonly subject: string;
  readonly received: string;
  readonly expected: string;

  constructor(subject: string, received: string | number, expected: string | number) {
    super(
      'failed_precondition',
      `bad answer from the server: ${subject} is ${received}, expected ${expected}`,
    );
    this.name = 'ProtocolError';
    this.subject = subject;
    this.received = String(received);
    this.expected = String(expected);
  }
}

/** Throws a ProtocolError unless `received` is `expected`. */
export function expectEqual(subject: string, received: string | number, expected: string | number): void {
  if (received !== expected) {
    throw new ProtocolError(subject, received, expected);
  }
}
