// The plan of a prediction: what is checked before any of it is believed.

#pragma once

#include <cstdint>
#include <stdexcept>

#include "logah/v1/logah.pb.h"

// The answer contradicts the contract, its own plan or its own summary.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Checks that every parameter of the network is sent whole and dense, in float32 and without gaps, or tied to one that
// is, and that sizes, offsets and sums agree. Throws ProtocolError.
void CheckPlan(const logah::v1::Plan& plan);
