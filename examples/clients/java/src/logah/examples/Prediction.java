package logah.examples;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import logah.v1.Logah.Plan;
import logah.v1.Logah.PredictRequest;
import logah.v1.Logah.PredictResponse;
import logah.v1.Logah.Resume;
import logah.v1.LogahServiceGrpc;

/** A prediction that is written to a file, over as many attempts as it takes. */
final class Prediction {
  /** A stream that ended with status OK too early. */
  private static final class EarlyEnd extends Exception {
    private static final long serialVersionUID = 1;
    final String before;

    EarlyEnd(String before) {
      this.before = before;
    }
  }

  private final ManagedChannel channel;
  private final Path path;
  private final Attempts attempts = new Attempts();
  private PredictRequest request;
  private Plan plan;
  private SafetensorsFile file;

  /** Whether the last attempt brought the plan, and whether it was cancelled since it brought nothing. */
  private boolean planned;

  private volatile boolean silent;

  Prediction(ManagedChannel channel, PredictRequest request, Path path) {
    this.channel = channel;
    this.request = request;
    this.path = path;
  }

  /**
   * Writes the file and returns the plan. A stream that breaks off goes on where it stopped.
   *
   * @throws StatusRuntimeException where the call fails
   * @throws ProtocolException where the answer contradicts the contract
   * @throws IOException where the file cannot be written
   */
  Plan run() throws ProtocolException, IOException {
    ScheduledExecutorService watch =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task);
              thread.setDaemon(true);
              return thread;
            });
    try {
      while (!attempt(watch)) {
        if (plan != null) {
          Resume resume =
              Resume.newBuilder().setFingerprint(plan.getFingerprint()).setOffset(file.position()).build();
          request = request.toBuilder().setResume(resume).build();
        }
      }
      file.commit();
      return plan;
    } finally {
      watch.shutdownNow();
      if (file != null) {
        file.close();
      }
    }
  }

  /** Makes the call once. False: it is to be made again. */
  private boolean attempt(ScheduledExecutorService watch) throws ProtocolException, IOException {
    long before = file == null ? 0 : file.position();
    planned = false;
    silent = false;
    // Leaving early ends the call on the server.
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      Context previous = context.attach();
      try {
        receive(watch, context);
        return true;
      } finally {
        context.detach(previous);
      }
    } catch (EarlyEnd end) {
      boolean inVain = planned && file.position() == before;
      attempts.overcomeEarlyEnd(new ProtocolException("the stream ended before " + end.before), plan != null, inVain);
    } catch (StatusRuntimeException failure) {
      if (silent) {
        attempts.overcomeSilence(failure);
      } else {
        attempts.overcome(failure, plan != null);
      }
    }
    return false;
  }

  private void receive(ScheduledExecutorService watch, Context.CancellableContext context)
      throws EarlyEnd, ProtocolException, IOException {
    // Asks for one message after the other, so that a slow disk slows the server down.
    Iterator<PredictResponse> stream = LogahServiceGrpc.newBlockingStub(channel).predict(request);
    begin(next(stream, "the plan", watch, context));
    PredictResponse message = next(stream, "the summary", watch, context);
    while (message.hasChunk()) {
      file.append(message.getChunk());
      attempts.progress();
      message = next(stream, "the summary", watch, context);
    }
    if (!message.hasSummary()) {
      throw new ProtocolException("a message is neither a chunk nor the summary");
    }
    file.compare(message.getSummary(), request.getResume().getOffset());
    try {
      if (stream.hasNext()) {
        throw new ProtocolException("a message came behind the summary");
      }
    } catch (StatusRuntimeException ignored) {
      // All has come, whatever becomes of the connection.
    }
  }

  /** Takes the first message of an attempt. That of a stream that goes on must be the same plan. */
  private void begin(PredictResponse first) throws ProtocolException, IOException {
    if (!first.hasPlan()) {
      throw new ProtocolException("the first message is not the plan");
    }
    planned = true;
    Plan came = first.getPlan();
    if (plan != null) {
      if (!came.getFingerprint().equals(plan.getFingerprint())) {
        throw new ProtocolException(
            "the plan's fingerprint is " + came.getFingerprint() + ", expected " + plan.getFingerprint());
      }
      return;
    }
    PlanCheck.check(came);
    came.getWarningsList().forEach(warning -> System.err.println("warning: " + warning.getText()));
    file = new SafetensorsFile(path, came, request.getSeed());
    plan = came;
    attempts.progress();
  }

  private PredictResponse next(
      Iterator<PredictResponse> stream,
      String before,
      ScheduledExecutorService watch,
      Context.CancellableContext context)
      throws EarlyEnd {
    Future<?> alarm =
        watch.schedule(
            () -> {
              silent = true;
              context.cancel(Status.UNAVAILABLE.withDescription("nothing came for too long").asException());
            },
            attempts.silence().toMillis(),
            TimeUnit.MILLISECONDS);
    try {
      return stream.next();
    } catch (NoSuchElementException end) {
      throw new EarlyEnd(before);
    } finally {
      alarm.cancel(false);
    }
  }
}
