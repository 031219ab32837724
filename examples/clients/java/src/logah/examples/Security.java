package logah.examples;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * How the connection is secured and who asks, by the variables of logah's command line: LOGAH_TLS, LOGAH_CA, LOGAH_CERT,
 * LOGAH_KEY (PKCS #8) and LOGAH_TOKEN_FILE.
 */
final class Security {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]+");
  private static final Pattern LOOPBACK =
      Pattern.compile("(localhost|127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}|\\[::1\\]):\\d+");

  private Security() {}

  /**
   * Sets up a channel to the target.
   *
   * @throws IOException where a file cannot be read
   * @throws IllegalArgumentException where the variables contradict each other, a file is no PEM, or a token would leave
   *     this machine in plain text
   */
  static NettyChannelBuilder secure(NettyChannelBuilder builder, String target) throws IOException {
    String choice = variable("LOGAH_TLS");
    String ca = variable("LOGAH_CA");
    String cert = variable("LOGAH_CERT");
    String key = variable("LOGAH_KEY");
    String tokenFile = variable("LOGAH_TOKEN_FILE");
    boolean hasFiles = !ca.isEmpty() || !cert.isEmpty();
    if (!choice.isEmpty() && !choice.equals("true") && !choice.equals("false")) {
      throw new IllegalArgumentException("LOGAH_TLS is " + choice + "; it must be true or false");
    }
    if (choice.equals("false") && hasFiles) {
      throw new IllegalArgumentException(
          "LOGAH_TLS is false; there must be neither LOGAH_CA nor LOGAH_CERT then");
    }
    if (cert.isEmpty() != key.isEmpty()) {
      throw new IllegalArgumentException("LOGAH_CERT and LOGAH_KEY go together");
    }
    boolean isSecure = choice.equals("true") || hasFiles;
    if (!tokenFile.isEmpty()) {
      if (!isSecure && !LOOPBACK.matcher(target).matches()) {
        throw new IllegalArgumentException(
            "the token is not sent to " + target + " in plain text, which others could read: set LOGAH_TLS");
      }
      builder.intercept(new Bearer(Path.of(tokenFile)));
    }
    if (!isSecure) return builder.usePlaintext();
    SslContextBuilder context = GrpcSslContexts.forClient();
    if (!ca.isEmpty()) context.trustManager(new File(ca));
    if (!cert.isEmpty()) context.keyManager(new File(cert), new File(key));
    return builder.sslContext(context.build());
  }

  private static String variable(String name) {
    String value = System.getenv(name);
    return value == null ? "" : value;
  }

  /** Sends the token of a file, which is read at every call, so that one that is replaced is noticed. */
  private static final class Bearer implements ClientInterceptor {
    private final Path path;

    Bearer(Path path) {
      this.path = path;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<Q, A>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + token());
          super.start(listener, headers);
        }
      };
    }

    private String token() {
      String token;
      try {
        token = Files.readString(path).trim();
      } catch (IOException error) {
        throw Status.UNAUTHENTICATED
            .withDescription("the token's file cannot be read: " + error)
            .asRuntimeException();
      }
      if (TOKEN.matcher(token).matches()) return token;
      // What is no token must not be shown either.
      throw Status.UNAUTHENTICATED
          .withDescription(path + " is empty or has characters that no token has")
          .asRuntimeException();
    }
  }
}
