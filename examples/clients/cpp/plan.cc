#include "plan.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace {

using logah::v1::Plan;
using logah::v1::TensorPlan;

constexpr uint64_t kElementBytes = 4;

void Require(bool holds, const TensorPlan& tensor, const std::string& what) {
  if (!holds) throw ProtocolError("plan: tensor \"" + tensor.name() + "\": " + what);
}

void RequireEqual(const std::string& what, uint64_t received, uint64_t expected) {
  if (received == expected) return;
  throw ProtocolError("plan: " + what + " is " + std::to_string(received) + ", expected " + std::to_string(expected));
}

bool IsTied(const TensorPlan& tensor) { return tensor.source() == logah::v1::SOURCE_TIED; }

template <typename Sizes>
bool Same(const Sizes& a, const Sizes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// The number of elements, small enough for their bytes to be counted too; 1 of a scalar, which has no dimensions.
uint64_t Elements(const TensorPlan& tensor) {
  uint64_t elements = 1;
  for (const int64_t size : tensor.shape()) {
    const bool counted = size >= 0 && !__builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements);
    Require(counted && elements <= INT64_MAX / kElementBytes, tensor, "a negative size, or too many elements");
  }
  return elements;
}

void CheckSent(const TensorPlan& tensor, uint64_t elements, uint64_t offset) {
  Require(tensor.sent() && Same(tensor.sent_shape(), tensor.shape()), tensor, "not sent, or only in part");
  Require(tensor.factors().empty(), tensor, "sent as factors, which were not asked for");
  Require(tensor.bytes() == elements * kElementBytes, tensor, "bytes do not fit the shape");
  Require(tensor.offset() == offset, tensor, "does not begin where the one before ends");
  Require(tensor.predicted_elements() + tensor.initialized_elements() == elements, tensor,
          "elements of unknown origin");
}

}  // namespace

void CheckPlan(const Plan& plan) {
  RequireEqual("dtype", plan.dtype(), logah::v1::DATA_TYPE_FLOAT32);
  std::unordered_map<std::string, const TensorPlan*> by_name;
  uint64_t offset = 0, parameters = 0, tied = 0;
  for (const TensorPlan& tensor : plan.tensors()) {
    Require(tensor.name() != "__metadata__" && by_name.emplace(tensor.name(), &tensor).second, tensor,
            "name not allowed, or repeated");
    const uint64_t elements = Elements(tensor);
    if (IsTied(tensor)) {
      Require(!tensor.sent() && tensor.bytes() == 0, tensor, "tied, and sent all the same");
      tied += elements;
    } else {
      CheckSent(tensor, elements, offset);
      offset += tensor.bytes();
      parameters += elements;
    }
  }
  for (const TensorPlan& tensor : plan.tensors()) {
    if (!IsTied(tensor)) continue;
    const auto holder = by_name.find(tensor.tied_to());
    Require(holder != by_name.end() && !IsTied(*holder->second) && Same(tensor.shape(), holder->second->shape()),
            tensor, "tied to no tensor of its shape");
  }
  const auto& coverage = plan.coverage();
  RequireEqual("total_bytes", plan.total_bytes(), offset);
  RequireEqual("coverage.parameters", coverage.parameters(), parameters);
  RequireEqual("coverage.tied", coverage.tied(), tied);
  RequireEqual("sum of predicted, tiled and initialized",
               coverage.predicted() + coverage.tiled() + coverage.initialized(), parameters);
}
