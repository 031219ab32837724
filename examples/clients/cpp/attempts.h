// The attempts of one call: which failures it goes on behind, and how long it waits first. docs/clients.md has the rules.

#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>
#include <random>

class Attempts {
 public:
  using Duration = std::chrono::duration<double>;

  // How long the next attempt may bring nothing.
  Duration Silence() const;
  // Something new has come.
  void Progress();
  // Whether the call is made again after this failure, and the pause before. `begun`: the plan has come, now or in an
  // attempt before.
  std::optional<Duration> Overcome(const grpc::Status& status, bool begun);
  // The same of a stream that ended with status OK too early. `in_vain`: behind the plan, without a byte.
  std::optional<Duration> OvercomeEarlyEnd(bool begun, bool in_vain);
  // The same of an attempt that brought nothing for too long.
  std::optional<Duration> OvercomeSilence();

 private:
  std::optional<Duration> Pause(Duration asked);

  bool reached_ = false;
  std::optional<std::chrono::steady_clock::time_point> broken_at_;
  int failures_ = 0;
  int doubts_ = 0;
  int stalls_ = 0;
  int in_vain_ = 0;
  std::mt19937 random_{std::random_device{}()};
};
