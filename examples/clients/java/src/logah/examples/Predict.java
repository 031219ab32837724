package logah.examples;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import logah.v1.ArchitectureOuterClass.Architecture;
import logah.v1.Logah.Plan;
import logah.v1.Logah.PredictRequest;
import logah.v1.Logah.PredictResponse;
import logah.v1.LogahServiceGrpc;
import logah.v1.LogahServiceGrpc.LogahServiceBlockingStub;

/**
 * Asks a server for the parameters of a network and writes them to a safetensors file:
 *
 * <pre>predict HOST:PORT CONFIG.json OUT.safetensors [SEED]</pre>
 *
 * Exits with 1 and a message where anything is wrong; nothing is left behind then.
 */
public final class Predict {
  private static final int WINDOW_BYTES = 8 << 20;
  private static final int MAX_MESSAGE_BYTES = 16 << 20;

  /** Repeats a call that did not reach the server; gRPC never repeats a stream that has delivered a message. */
  private static final Map<String, ?> RETRY_UNAVAILABLE =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(Map.of("service", LogahServiceGrpc.SERVICE_NAME)),
                  "retryPolicy",
                  // The builder wants every number as a double.
                  Map.of(
                      "maxAttempts", 3.0,
                      "initialBackoff", "0.1s",
                      "maxBackoff", "1s",
                      "backoffMultiplier", 2.0,
                      "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private Predict() {}

  public static void main(String[] args) {
    if (args.length < 3 || args.length > 4) {
      System.err.println("usage: predict HOST:PORT CONFIG.json OUT.safetensors [SEED]");
      System.exit(2);
    }
    ManagedChannel channel = connect(args[0]);
    try {
      PredictRequest request =
          PredictRequest.newBuilder()
              .setArchitecture(
                  Architecture.newBuilder()
                      .setTransformersConfig(ByteString.copyFrom(Files.readAllBytes(Path.of(args[1])))))
              .setSeed(args.length == 4 ? Long.parseUnsignedLong(args[3]) : 0)
              .build();
      Plan plan = predict(LogahServiceGrpc.newBlockingStub(channel), request, Path.of(args[2]));
      System.out.printf(
          "%d parameters from %s in %s%n", plan.getCoverage().getParameters(), plan.getModel(), args[2]);
    } catch (StatusRuntimeException error) {
      fail("the call failed with " + describe(error.getStatus()));
    } catch (ProtocolException error) {
      fail(error.getMessage());
    } catch (IOException | NumberFormatException error) {
      // The messages of such errors are often a mere name.
      fail(error.toString());
    } finally {
      channel.shutdownNow();
    }
  }

  private static String describe(Status status) {
    // Of a lost connection the description says nothing, and the cause all.
    String cause = status.getCause() == null ? "" : " (" + status.getCause().getMessage() + ")";
    return status.getCode() + ": " + status.getDescription() + cause;
  }

  private static void fail(String message) {
    System.err.println("predict: " + message);
    System.exit(1);
  }

  private static ManagedChannel connect(String target) {
    return NettyChannelBuilder.forTarget(target)
        .usePlaintext()
        .flowControlWindow(WINDOW_BYTES)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .keepAliveTime(60, TimeUnit.SECONDS)
        .keepAliveTimeout(20, TimeUnit.SECONDS)
        .defaultServiceConfig(RETRY_UNAVAILABLE)
        .enableRetry()
        .build();
  }

  /**
   * Writes the file and returns the plan.
   *
   * @throws StatusRuntimeException where the call fails
   * @throws ProtocolException where the answer contradicts the contract
   * @throws IOException where the file cannot be written
   */
  private static Plan predict(LogahServiceBlockingStub stub, PredictRequest request, Path path)
      throws ProtocolException, IOException {
    // Asks for one message after the other, so that a slow disk slows the server down.
    Iterator<PredictResponse> stream = stub.predict(request);
    PredictResponse first = next(stream, "the plan");
    if (!first.hasPlan()) {
      throw new ProtocolException("the first message is not the plan");
    }
    Plan plan = first.getPlan();
    PlanCheck.check(plan);
    plan.getWarningsList().forEach(warning -> System.err.println("warning: " + warning.getText()));
    try (SafetensorsFile file = new SafetensorsFile(path, plan, request.getSeed())) {
      PredictResponse message = next(stream, "the summary");
      while (message.hasChunk()) {
        file.append(message.getChunk());
        message = next(stream, "the summary");
      }
      if (!message.hasSummary()) {
        throw new ProtocolException("a message is neither a chunk nor the summary");
      }
      file.compare(message.getSummary());
      if (stream.hasNext()) {
        throw new ProtocolException("a message came behind the summary");
      }
      file.commit();
    }
    return plan;
  }

  private static PredictResponse next(Iterator<PredictResponse> stream, String before) throws ProtocolException {
    try {
      return stream.next();
    } catch (NoSuchElementException error) {
      throw new ProtocolException("the stream ended before " + before);
    }
  }
}
