package logah.examples;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import logah.v1.ArchitectureOuterClass.Architecture;
import logah.v1.Logah.Plan;
import logah.v1.Logah.PredictRequest;

/**
 * Asks a server for the parameters of a network and writes them to a safetensors file:
 *
 * <pre>predict HOST:PORT CONFIG.json OUT.safetensors [SEED]</pre>
 *
 * Exits with 1 and a message where anything is wrong; nothing is left behind then.
 */
public final class Predict {
  private static final int WINDOW_BYTES = 32 << 20;
  private static final int MAX_MESSAGE_BYTES = 16 << 20;

  private Predict() {}

  public static void main(String[] args) {
    if (args.length < 3 || args.length > 4) {
      System.err.println("usage: predict HOST:PORT CONFIG.json OUT.safetensors [SEED]");
      System.exit(2);
    }
    ManagedChannel channel = null;
    try {
      channel = connect(args[0]);
      PredictRequest request =
          PredictRequest.newBuilder()
              .setArchitecture(
                  Architecture.newBuilder()
                      .setTransformersConfig(ByteString.copyFrom(Files.readAllBytes(Path.of(args[1])))))
              .setSeed(args.length == 4 ? Long.parseUnsignedLong(args[3]) : 0)
              .build();
      Plan plan = new Prediction(channel, request, Path.of(args[2])).run();
      System.out.printf(
          "%d parameters from %s in %s%n", plan.getCoverage().getParameters(), plan.getModel(), args[2]);
    } catch (StatusRuntimeException error) {
      fail("the call failed with " + describe(error.getStatus()));
    } catch (ProtocolException error) {
      fail(error.getMessage());
    } catch (IOException | IllegalArgumentException error) {
      // The messages of such errors are often a mere name.
      fail(error.toString());
    } finally {
      if (channel != null) channel.shutdownNow();
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

  private static ManagedChannel connect(String target) throws IOException {
    return Security.secure(NettyChannelBuilder.forTarget(target), target)
        .flowControlWindow(WINDOW_BYTES)
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .keepAliveTime(60, TimeUnit.SECONDS)
        .keepAliveTimeout(20, TimeUnit.SECONDS)
        // The attempts make calls again, and streams from where they stopped.
        .disableRetry()
        .build();
  }
}
