// Asks a server for the parameters of a network and writes them to a safetensors file:
//
//   predict HOST:PORT CONFIG.json OUT.safetensors [SEED]
//
// Exits with 1 and a message where anything is wrong; nothing is left behind then.

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "attempts.h"
#include "logah/v1/logah.grpc.pb.h"
#include "plan.h"
#include "read_file.h"
#include "safetensors_file.h"
#include "security.h"

namespace {

using logah::v1::LogahService;
using logah::v1::Plan;
using logah::v1::PredictRequest;
using logah::v1::PredictResponse;

constexpr int kMaxMessageBytes = 16 << 20;
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

constexpr int kFirstReconnectMs = 100;
constexpr int kLastReconnectMs = 2000;

// The call failed with a status.
class CallError : public std::runtime_error {
 public:
  explicit CallError(const grpc::Status& status)
      : std::runtime_error("the call failed with " +
                           absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) + ": " +
                           status.error_message()) {}
};

std::shared_ptr<grpc::Channel> Connect(const std::string& target, const Security& security) {
  // The flow-control window adapts by itself.
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // The attempts make calls again, and streams from where they stopped.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastReconnectMs);
  return grpc::CreateCustomChannel(target, security.Credentials(), arguments);
}

// The call that runs now, so that another thread can end it.
class CurrentCall {
 public:
  void Set(grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    context_ = context;
    if (stopped_ && context_ != nullptr) context_->TryCancel();
  }
  void Cancel() {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  // Cancels it and those to come.
  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    Cancel();
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  // Waits, but not behind Stop.
  void Pause(Attempts::Duration duration) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, duration, [this] { return stopped_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  grpc::ClientContext* context_ = nullptr;
  bool stopped_ = false;
};

// Cancels the call on Ctrl-C or SIGTERM, so that it ends like any that fails. Must be made before gRPC starts threads,
// which inherit what is blocked here.
class CancelOnSignal {
 public:
  explicit CancelOnSignal(CurrentCall& call) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    waiting_ = std::thread([&call, signals] {
      int signal = 0;
      sigwait(&signals, &signal);
      call.Stop();
    });
  }
  ~CancelOnSignal() {
    pthread_kill(waiting_.native_handle(), SIGTERM);
    waiting_.join();
  }

 private:
  std::thread waiting_;
};

// Cancels a call that brings nothing for too long while it is waited for.
class Watch {
 public:
  explicit Watch(CurrentCall& call) : call_(call), thread_([this] { Run(); }) {}
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void Begin(Attempts::Duration silence) {
    Arm(std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(silence));
  }
  // Whether the call was cancelled since Begin.
  bool End() {
    Arm(std::nullopt);
    const std::lock_guard lock(mutex_);
    return std::exchange(silent_, false);
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void Arm(std::optional<Time> until) {
    {
      const std::lock_guard lock(mutex_);
      until_ = until;
    }
    changed_.notify_all();
  }
  void Run() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      if (!until_) {
        changed_.wait(lock);
      } else if (const Time until = *until_; changed_.wait_until(lock, until) == std::cv_status::timeout &&
                                             until_ == until) {
        silent_ = true;
        until_.reset();
        call_.Cancel();
      }
    }
  }

  CurrentCall& call_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Time> until_;
  bool silent_ = false;
  bool done_ = false;
  std::thread thread_;
};

uint64_t ParseSeed(const std::string& text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("no seed: " + text);
  return seed;
}

// A prediction, over as many attempts as it takes.
class Prediction {
 public:
  Prediction(LogahService::Stub& stub, const Security& security, CurrentCall& call, PredictRequest request,
             std::string path)
      : stub_(stub), security_(security), call_(call), request_(std::move(request)), path_(std::move(path)) {}

  // Writes the file and returns the plan. A stream that breaks off goes on where it stopped. Throws CallError,
  // ProtocolError and std::system_error.
  Plan Run() {
    while (!Attempt()) {
      if (!file_) continue;
      request_.mutable_resume()->set_fingerprint(plan_.fingerprint());
      request_.mutable_resume()->set_offset(file_->position());
    }
    file_->Commit();
    return plan_;
  }

 private:
  // Makes the call once. False: it is to be made again.
  bool Attempt() {
    grpc::ClientContext context;
    security_.ShowToken(context);
    call_.Set(&context);
    const auto stream = stub_.Predict(&context, request_);
    const bool again = !Receive(*stream, context);
    call_.Set(nullptr);
    return !again;
  }

  bool Receive(grpc::ClientReader<PredictResponse>& stream, grpc::ClientContext& context) {
    const uint64_t before = file_ ? file_->position() : 0;
    PredictResponse message;
    bool is_silent = false;
    const auto read = [&] {
      watch_.Begin(attempts_.Silence());
      const bool has_come = stream.Read(&message);
      is_silent = watch_.End() && !has_come;
      return has_come;
    };
    // Why there is no further message, and whether to try again.
    const auto end = [&](bool planned, const char* what) {
      const grpc::Status status = stream.Finish();
      if (call_.stopped()) throw CallError(status);
      const bool begun = file_ != nullptr;
      std::optional<Attempts::Duration> pause;
      if (is_silent) {
        pause = attempts_.OvercomeSilence();
      } else if (status.ok()) {
        pause = attempts_.OvercomeEarlyEnd(begun, planned && file_->position() == before);
        if (!pause) throw ProtocolError(std::string("the stream ended before ") + what);
      } else {
        pause = attempts_.Overcome(status, begun);
      }
      if (!pause) throw CallError(status);
      call_.Pause(*pause);
      return false;
    };
    if (!read()) return end(false, "the plan");
    try {
      Begin(message);
      for (;;) {
        if (!read()) return end(true, "the summary");
        if (!message.has_chunk()) break;
        file_->Append(message.chunk());
        attempts_.Progress();
      }
      if (!message.has_summary()) throw ProtocolError("a message is neither a chunk nor the summary");
      file_->Compare(message.summary(), request_.resume().offset());
      if (stream.Read(&message)) throw ProtocolError("a message came behind the summary");
    } catch (...) {
      context.TryCancel();
      throw;
    }
    // All has come, whatever becomes of the connection.
    stream.Finish();
    return true;
  }

  // Takes the first message of an attempt. That of a stream that goes on must be the same plan.
  void Begin(PredictResponse& message) {
    if (!message.has_plan()) throw ProtocolError("the first message is not the plan");
    if (file_) {
      if (message.plan().fingerprint() == plan_.fingerprint()) return;
      throw ProtocolError("the plan's fingerprint is " + message.plan().fingerprint() + ", expected " +
                          plan_.fingerprint());
    }
    CheckPlan(message.plan());
    plan_ = std::move(*message.mutable_plan());
    for (const auto& warning : plan_.warnings()) std::cerr << "warning: " << warning.text() << "\n";
    file_ = std::make_unique<SafetensorsFile>(path_, plan_, request_.seed());
    attempts_.Progress();
  }

  LogahService::Stub& stub_;
  const Security& security_;
  CurrentCall& call_;
  PredictRequest request_;
  const std::string path_;
  Attempts attempts_;
  Watch watch_{call_};
  Plan plan_;
  std::unique_ptr<SafetensorsFile> file_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: predict HOST:PORT CONFIG.json OUT.safetensors [SEED]\n";
    return 2;
  }
  CurrentCall call;
  const CancelOnSignal cancel_on_signal(call);
  try {
    PredictRequest request;
    request.mutable_architecture()->set_transformers_config(ReadFile(argv[2]));
    request.set_seed(argc == 5 ? ParseSeed(argv[4]) : 0);
    const Security security(argv[1]);
    const auto stub = LogahService::NewStub(Connect(argv[1], security));
    const Plan plan = Prediction(*stub, security, call, request, argv[3]).Run();
    std::cout << plan.coverage().parameters() << " parameters from " << plan.model() << " in " << argv[3] << "\n";
  } catch (const std::exception& error) {
    std::cerr << "predict: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
