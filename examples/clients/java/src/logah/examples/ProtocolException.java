package logah.examples;

/** The answer contradicts the contract, its own plan or its own summary. */
final class ProtocolException extends Exception {
  private static final long serialVersionUID = 1;

  ProtocolException(String message) {
    super(message);
  }
}
