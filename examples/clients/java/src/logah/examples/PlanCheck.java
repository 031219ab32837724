package logah.examples;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import logah.v1.Logah.Coverage;
import logah.v1.Logah.DataType;
import logah.v1.Logah.Plan;
import logah.v1.Logah.Source;
import logah.v1.Logah.TensorPlan;

/** The plan of a prediction: what is checked before any of it is believed. */
final class PlanCheck {
  private static final long ELEMENT_BYTES = 4;

  private PlanCheck() {}

  /**
   * Checks that every parameter of the network is sent whole and dense, in float32 and without gaps, or tied to one that
   * is, and that sizes, offsets and sums agree.
   */
  static void check(Plan plan) throws ProtocolException {
    if (plan.getDtype() != DataType.DATA_TYPE_FLOAT32) {
      throw new ProtocolException("plan: dtype is " + plan.getDtype() + ", expected DATA_TYPE_FLOAT32");
    }
    Map<String, TensorPlan> byName = new HashMap<>();
    long offset = 0;
    long parameters = 0;
    long tied = 0;
    for (TensorPlan tensor : plan.getTensorsList()) {
      require(
          !tensor.getName().equals("__metadata__") && byName.put(tensor.getName(), tensor) == null,
          tensor,
          "name not allowed, or repeated");
      long elements = elements(tensor);
      if (isTied(tensor)) {
        require(!tensor.getSent() && tensor.getBytes() == 0, tensor, "tied, and sent all the same");
        tied += elements;
      } else {
        checkSent(tensor, elements, offset);
        offset += tensor.getBytes();
        parameters += elements;
      }
    }
    for (TensorPlan tensor : plan.getTensorsList()) {
      if (isTied(tensor)) {
        TensorPlan holder = byName.get(tensor.getTiedTo());
        require(
            holder != null && !isTied(holder) && tensor.getShapeList().equals(holder.getShapeList()),
            tensor,
            "tied to no tensor of its shape");
      }
    }
    Coverage coverage = plan.getCoverage();
    requireEqual("total_bytes", plan.getTotalBytes(), offset);
    requireEqual("coverage.parameters", coverage.getParameters(), parameters);
    requireEqual("coverage.tied", coverage.getTied(), tied);
    requireEqual(
        "sum of predicted, tiled and initialized",
        coverage.getPredicted() + coverage.getTiled() + coverage.getInitialized(),
        parameters);
  }

  private static void checkSent(TensorPlan tensor, long elements, long offset) throws ProtocolException {
    List<Long> shape = tensor.getShapeList();
    require(tensor.getSent() && tensor.getSentShapeList().equals(shape), tensor, "not sent, or only in part");
    require(tensor.getFactorsCount() == 0, tensor, "sent as factors, which were not asked for");
    require(tensor.getBytes() == elements * ELEMENT_BYTES, tensor, "bytes do not fit the shape " + shape);
    require(tensor.getOffset() == offset, tensor, "does not begin where the one before ends");
    require(
        tensor.getPredictedElements() + tensor.getInitializedElements() == elements,
        tensor,
        "elements of unknown origin");
  }

  private static boolean isTied(TensorPlan tensor) {
    return tensor.getSource() == Source.SOURCE_TIED;
  }

  /** The number of elements, small enough for their bytes to be counted too; 1 of a scalar, which has no dimensions. */
  private static long elements(TensorPlan tensor) throws ProtocolException {
    long elements = 1;
    for (long size : tensor.getShapeList()) {
      boolean countable = size >= 0 && (elements == 0 || size <= Long.MAX_VALUE / ELEMENT_BYTES / elements);
      require(countable, tensor, "a negative size, or too many elements");
      elements *= size;
    }
    return elements;
  }

  private static void require(boolean holds, TensorPlan tensor, String what) throws ProtocolException {
    if (!holds) {
      throw new ProtocolException("plan: tensor \"" + tensor.getName() + "\": " + what);
    }
  }

  private static void requireEqual(String what, long received, long expected) throws ProtocolException {
    if (received != expected) {
      throw new ProtocolException(
          "plan: " + what + " is " + Long.toUnsignedString(received) + ", expected " + expected);
    }
  }
}
