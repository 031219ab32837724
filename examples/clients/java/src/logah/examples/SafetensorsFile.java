package logah.examples;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import logah.v1.Logah.Chunk;
import logah.v1.Logah.Plan;
import logah.v1.Logah.Summary;
import logah.v1.Logah.TensorPlan;

/**
 * A safetensors file that is written as its data arrives, beside its final place: {@code PATH.<random>.partial}. {@link
 * #commit} puts it in its place; without it {@link #close} removes it.
 */
final class SafetensorsFile implements AutoCloseable {
  /** A tensor's CRC-32 so far. {@code end}: position behind its last byte in the data. */
  private record Sum(String name, long end, CRC32 crc32) {}

  private final Path path;
  private final Path partial;
  private final FileChannel file;
  private final long totalBytes;
  private final List<Sum> tensors = new ArrayList<>();

  /** The tensor that the next byte belongs to. */
  private int current = 0;

  /** Bytes of data written. */
  private long position = 0;

  /** Writes the header: the tensors of a checked plan, in its order, behind the metadata. */
  SafetensorsFile(Path path, Plan plan, long seed) throws IOException {
    this.path = path;
    partial = Path.of(String.format("%s.%08x.partial", path, ThreadLocalRandom.current().nextInt()));
    totalBytes = plan.getTotalBytes();
    for (TensorPlan tensor : plan.getTensorsList()) {
      // What has no elements has no bytes, and no digest.
      if (tensor.getSent() && tensor.getBytes() > 0) {
        tensors.add(new Sum(tensor.getName(), tensor.getOffset() + tensor.getBytes(), new CRC32()));
      }
    }
    // Ctrl-C ends the virtual machine without close().
    partial.toFile().deleteOnExit();
    file = FileChannel.open(partial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    write(header(plan, seed));
  }

  /** Writes the next chunk. */
  void append(Chunk chunk) throws ProtocolException, IOException {
    ByteBuffer data = chunk.getData().asReadOnlyByteBuffer();
    if (chunk.getOffset() != position) {
      throw new ProtocolException(
          "a chunk begins at byte " + Long.toUnsignedString(chunk.getOffset()) + ", expected " + position);
    }
    if (!data.hasRemaining() || data.remaining() > totalBytes - position) {
      throw new ProtocolException(
          String.format(
              "the chunk at byte %d has %d bytes, expected 1 to %d",
              position, data.remaining(), totalBytes - position));
    }
    write(data.duplicate());
    while (data.hasRemaining()) {
      Sum tensor = tensors.get(current);
      int size = (int) Math.min(data.remaining(), tensor.end - position);
      tensor.crc32.update(data.slice(data.position(), size));
      data.position(data.position() + size);
      position += size;
      if (position == tensor.end) {
        current++;
      }
    }
  }

  /** Bytes of data written. */
  long position() {
    return position;
  }

  /** Compares all that was written with the summary, which has the digests of what was not whole at byte resumedAt. */
  void compare(Summary summary, long resumedAt) throws ProtocolException {
    if (position != totalBytes || summary.getTotalBytes() != totalBytes) {
      throw new ProtocolException("the data ends at byte " + position + ", expected " + totalBytes);
    }
    List<Sum> summed = tensors.stream().filter(tensor -> tensor.end > resumedAt).collect(Collectors.toList());
    if (summary.getDigestsCount() != summed.size()) {
      throw new ProtocolException(
          "the summary has " + summary.getDigestsCount() + " digests for " + summed.size() + " tensors");
    }
    for (int index = 0; index < summed.size(); index++) {
      Sum tensor = summed.get(index);
      var digest = summary.getDigests(index);
      if (!digest.getName().equals(tensor.name)) {
        throw new ProtocolException("a digest is of \"" + digest.getName() + "\", expected \"" + tensor.name + "\"");
      }
      if (digest.getCrc32() != (int) tensor.crc32.getValue()) {
        throw new ProtocolException("tensor \"" + tensor.name + "\" came damaged: its CRC-32 differs");
      }
    }
  }

  /** Puts the content on disk and the file in its place, over one that is there. */
  void commit() throws IOException {
    file.force(true);
    file.close();
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void close() throws IOException {
    file.close();
    Files.deleteIfExists(partial);
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      file.write(bytes);
    }
  }

  /**
   * 8 bytes of little-endian length, then JSON, padded with spaces to a multiple of 8: byte for byte what the other
   * clients of this repository write.
   */
  private static ByteBuffer header(Plan plan, long seed) {
    StringJoiner json = new StringJoiner(",", "{", "}");
    json.add(
        String.format(
            "\"__metadata__\":{\"format\":\"pt\",\"logah.model\":%s,\"logah.fingerprint\":%s,\"logah.seed\":\"%s\"}",
            quoted(plan.getModel()), quoted(plan.getFingerprint()), Long.toUnsignedString(seed)));
    for (TensorPlan tensor : plan.getTensorsList()) {
      if (tensor.getSent()) {
        String shape = tensor.getShapeList().stream().map(String::valueOf).collect(Collectors.joining(","));
        json.add(
            String.format(
                "%s:{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
                quoted(tensor.getName()), shape, tensor.getOffset(), tensor.getOffset() + tensor.getBytes()));
      }
    }
    byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
    int padding = Math.floorMod(-text.length, 8);
    return ByteBuffer.allocate(8 + text.length + padding)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length + padding)
        .put(text)
        .put(" ".repeat(padding).getBytes(StandardCharsets.UTF_8))
        .flip();
  }

  /** Names are text, so only quotes, backslashes and control characters need an escape. */
  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < 0x20) {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
