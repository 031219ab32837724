#include "attempts.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "rpc_status.pb.h"

namespace {

using Duration = Attempts::Duration;

// How long a call may bring nothing new; an address where nobody has answered yet may be wrong.
constexpr Duration kPatience{60};
constexpr Duration kPatienceUnreached{2};

constexpr Duration kFirstPause{0.1};
constexpr Duration kLastPause{3};

// Attempts whose failure may be the server's answer.
constexpr int kMaxDoubtful = 3;

// After so many silences in a row: a proxy may pass some attempts on to the server that hangs.
constexpr double kSilences[] = {30, 8, 8, 8, 15, 15, 30, 30, 60};

// What the service says of an error of its own.
struct Details {
  bool of_service = false;
  std::optional<Duration> retry_after;
};

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Details DetailsOf(const grpc::Status& status) {
  Details details;
  logah::examples::RpcStatus parsed;
  if (!parsed.ParseFromString(status.error_details())) return details;
  for (const auto& detail : parsed.details()) {
    logah::examples::ErrorInfo info;
    logah::examples::RetryInfo retry;
    if (EndsWith(detail.type_url(), "/google.rpc.ErrorInfo") && info.ParseFromString(detail.value())) {
      details.of_service = info.domain() == "logah";
    } else if (EndsWith(detail.type_url(), "/google.rpc.RetryInfo") && retry.ParseFromString(detail.value())) {
      details.retry_after = Duration(retry.retry_delay().seconds() + retry.retry_delay().nanos() / 1e9);
    }
  }
  return details;
}

}  // namespace

Duration Attempts::Silence() const {
  return Duration(kSilences[std::min<size_t>(stalls_, std::size(kSilences) - 1)]);
}

void Attempts::Progress() {
  reached_ = true;
  broken_at_.reset();
  failures_ = doubts_ = stalls_ = in_vain_ = 0;
}

std::optional<Duration> Attempts::Overcome(const grpc::Status& status, bool begun) {
  in_vain_ = 0;
  const grpc::StatusCode code = status.error_code();
  const Details details = DetailsOf(status);
  if (code != grpc::StatusCode::UNAVAILABLE) reached_ = true;
  if (details.retry_after || code == grpc::StatusCode::UNAVAILABLE) {
    return Pause(details.retry_after.value_or(Duration::zero()));
  }
  if (details.of_service || code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::PERMISSION_DENIED) {
    return std::nullopt;
  }
  if (begun) return Pause(Duration::zero());
  const bool doubtful = code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
                        code == grpc::StatusCode::CANCELLED;
  if (!doubtful || ++doubts_ >= kMaxDoubtful) return std::nullopt;
  return Pause(Duration::zero());
}

std::optional<Duration> Attempts::OvercomeEarlyEnd(bool begun, bool in_vain) {
  reached_ = true;
  in_vain_ = in_vain ? in_vain_ + 1 : 0;
  if (!begun) ++doubts_;
  // No proxy does that twice.
  if (in_vain_ > 1 || doubts_ >= kMaxDoubtful) return std::nullopt;
  return Pause(Duration::zero());
}

std::optional<Duration> Attempts::OvercomeSilence() {
  if (++stalls_ >= static_cast<int>(std::size(kSilences))) return std::nullopt;
  // Each has been as long as patience allows.
  return kFirstPause;
}

std::optional<Duration> Attempts::Pause(Duration asked) {
  const auto now = std::chrono::steady_clock::now();
  if (!broken_at_) broken_at_ = now;
  const Duration left = (reached_ ? kPatience : kPatienceUnreached) - (now - *broken_at_);
  if (left <= asked) return std::nullopt;
  const Duration backoff = std::min(kLastPause, kFirstPause * std::pow(2, std::min(failures_++, 16)));
  // Not all callers at once, and not before the server asks for it.
  const double spread = std::uniform_real_distribution<double>(0.5, 1)(random_);
  return std::min(left, std::max(backoff * spread, asked * (1.5 - spread / 2)));
}
