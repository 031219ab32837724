package logah.examples;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.concurrent.ThreadLocalRandom;
import logah.examples.RpcStatusOuterClass.Detail;
import logah.examples.RpcStatusOuterClass.ErrorInfo;
import logah.examples.RpcStatusOuterClass.RetryInfo;
import logah.examples.RpcStatusOuterClass.RpcStatus;

/** The attempts of one call: which failures it goes on behind, and how long it waits first. docs/clients.md has the rules. */
final class Attempts {
  /** Seconds that a call may bring nothing new; an address where nobody has answered yet may be wrong. */
  private static final double PATIENCE = 60;

  private static final double PATIENCE_UNREACHED = 2;
  private static final double FIRST_PAUSE = 0.1;
  private static final double LAST_PAUSE = 3;

  /** Attempts whose failure may be the server's answer. */
  private static final int MAX_DOUBTFUL = 3;

  /** Seconds, after so many silences in a row: a proxy may pass some attempts on to the server that hangs. */
  private static final int[] SILENCES = {30, 8, 8, 8, 15, 15, 30, 30, 60};

  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private boolean reached = false;

  /** 0: nothing has failed since the last progress. */
  private long brokenAt = 0;

  private int failures = 0;
  private int doubts = 0;
  private int stalls = 0;
  private int inVain = 0;

  /** How long the next attempt may bring nothing. */
  Duration silence() {
    return Duration.ofSeconds(SILENCES[Math.min(stalls, SILENCES.length - 1)]);
  }

  /** Something new has come. */
  void progress() {
    reached = true;
    brokenAt = 0;
    failures = doubts = stalls = inVain = 0;
  }

  /**
   * Waits until the call can be made again.
   *
   * @param begun whether the plan has come, now or in an attempt before
   * @throws StatusRuntimeException the failure, where there is no point in that
   */
  void overcome(StatusRuntimeException failure, boolean begun) {
    inVain = 0;
    Status.Code code = failure.getStatus().getCode();
    reached |= code != Status.Code.UNAVAILABLE;
    boolean ofService = false;
    OptionalDouble asked = OptionalDouble.empty();
    for (Detail detail : detailsOf(failure).getDetailsList()) {
      try {
        if (detail.getTypeUrl().endsWith("/google.rpc.ErrorInfo")) {
          ofService = ErrorInfo.parseFrom(detail.getValue()).getDomain().equals("logah");
        } else if (detail.getTypeUrl().endsWith("/google.rpc.RetryInfo")) {
          var delay = RetryInfo.parseFrom(detail.getValue()).getRetryDelay();
          asked = OptionalDouble.of(delay.getSeconds() + delay.getNanos() / 1e9);
        }
      } catch (InvalidProtocolBufferException unreadable) {
        // Not the service's.
      }
    }
    boolean isBreak = code == Status.Code.UNAVAILABLE || asked.isPresent();
    if (!isBreak && (ofService || code == Status.Code.UNAUTHENTICATED || code == Status.Code.PERMISSION_DENIED)) {
      throw failure;
    }
    if (!isBreak && !begun) {
      boolean isDoubtful = code == Status.Code.INTERNAL || code == Status.Code.UNKNOWN || code == Status.Code.CANCELLED;
      if (!isDoubtful || ++doubts >= MAX_DOUBTFUL) {
        throw failure;
      }
    }
    if (!pause(asked.orElse(0))) {
      throw failure;
    }
  }

  /**
   * The same of a stream that ended with status OK too early.
   *
   * @param isInVain whether it was behind the plan, without a byte
   */
  void overcomeEarlyEnd(ProtocolException failure, boolean begun, boolean isInVain) throws ProtocolException {
    reached = true;
    inVain = isInVain ? inVain + 1 : 0;
    if (!begun) {
      doubts++;
    }
    // No proxy does that twice.
    if (inVain > 1 || doubts >= MAX_DOUBTFUL || !pause(0)) {
      throw failure;
    }
  }

  /** The same of an attempt that brought nothing for too long. */
  void overcomeSilence(StatusRuntimeException failure) {
    if (++stalls >= SILENCES.length) {
      throw failure;
    }
  }

  private static RpcStatus detailsOf(StatusRuntimeException failure) {
    byte[] bytes = failure.getTrailers() == null ? null : failure.getTrailers().get(DETAILS);
    try {
      return bytes == null ? RpcStatus.getDefaultInstance() : RpcStatus.parseFrom(bytes);
    } catch (InvalidProtocolBufferException unreadable) {
      return RpcStatus.getDefaultInstance();
    }
  }

  /** False where patience is over. */
  private boolean pause(double asked) {
    long now = System.nanoTime();
    if (brokenAt == 0) {
      brokenAt = now;
    }
    double left = (reached ? PATIENCE : PATIENCE_UNREACHED) - (now - brokenAt) / 1e9;
    if (left <= asked) {
      return false;
    }
    double backoff = Math.min(LAST_PAUSE, FIRST_PAUSE * Math.pow(2, Math.min(failures++, 16)));
    // Not all callers at once, and not before the server asks for it.
    double spread = ThreadLocalRandom.current().nextDouble(0.5, 1);
    double seconds = Math.min(left, Math.max(backoff * spread, asked * (1.5 - spread / 2)));
    try {
      Thread.sleep(Math.round(seconds * 1000));
      return true;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
