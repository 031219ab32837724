// Asks a server for the parameters of a network and writes them to a safetensors file:
//
//   predict HOST:PORT CONFIG.json OUT.safetensors [SEED]
//
// Exits with 1 and a message where anything is wrong; nothing is left behind then.

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <charconv>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "logah/v1/logah.grpc.pb.h"
#include "plan.h"
#include "safetensors_file.h"

namespace {

using logah::v1::LogahService;
using logah::v1::Plan;
using logah::v1::PredictRequest;
using logah::v1::PredictResponse;

constexpr int kMaxMessageBytes = 16 << 20;
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;

// Repeats a call that did not reach the server; gRPC never repeats a stream that has delivered a message.
constexpr char kRetryUnavailable[] = R"({"methodConfig": [{
  "name": [{"service": "logah.v1.LogahService"}],
  "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
                  "retryableStatusCodes": ["UNAVAILABLE"]}}]})";

// The call failed with a status.
class CallError : public std::runtime_error {
 public:
  explicit CallError(const grpc::Status& status)
      : std::runtime_error("the call failed with " +
                           absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) + ": " +
                           status.error_message()) {}
};

std::shared_ptr<grpc::Channel> Connect(const std::string& target) {
  // The flow-control window adapts by itself.
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetServiceConfigJSON(kRetryUnavailable);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

// Cancels the call on Ctrl-C or SIGTERM, so that it ends like any that fails. Must be made before gRPC starts threads,
// which inherit what is blocked here.
class CancelOnSignal {
 public:
  explicit CancelOnSignal(grpc::ClientContext& context) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    waiting_ = std::thread([&context, signals] {
      int signal = 0;
      sigwait(&signals, &signal);
      context.TryCancel();
    });
  }
  ~CancelOnSignal() {
    pthread_kill(waiting_.native_handle(), SIGTERM);
    waiting_.join();
  }

 private:
  std::thread waiting_;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) throw std::runtime_error("cannot read " + path);
  return content.str();
}

uint64_t ParseSeed(const std::string& text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("no seed: " + text);
  return seed;
}

// Writes the file and returns the plan. Throws CallError, ProtocolError and std::system_error.
Plan Predict(LogahService::Stub& stub, grpc::ClientContext& context, const PredictRequest& request,
             const std::string& path) {
  const auto stream = stub.Predict(&context, request);
  PredictResponse message;
  // Why there is no further message: the call's status, or that the stream ended too early.
  const auto end = [&stream](const char* before) {
    const grpc::Status status = stream->Finish();
    if (!status.ok()) throw CallError(status);
    throw ProtocolError(std::string("the stream ended before ") + before);
  };
  if (!stream->Read(&message)) end("the plan");
  if (!message.has_plan()) throw ProtocolError("the first message is not the plan");
  const Plan plan = std::move(*message.mutable_plan());
  CheckPlan(plan);
  for (const auto& warning : plan.warnings()) std::cerr << "warning: " << warning.text() << "\n";
  SafetensorsFile file(path, plan, request.seed());
  for (;;) {
    if (!stream->Read(&message)) end("the summary");
    if (!message.has_chunk()) break;
    file.Append(message.chunk());
  }
  if (!message.has_summary()) throw ProtocolError("a message is neither a chunk nor the summary");
  file.Compare(message.summary());
  if (stream->Read(&message)) throw ProtocolError("a message came behind the summary");
  const grpc::Status status = stream->Finish();
  if (!status.ok()) throw CallError(status);
  file.Commit();
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: predict HOST:PORT CONFIG.json OUT.safetensors [SEED]\n";
    return 2;
  }
  grpc::ClientContext context;
  const CancelOnSignal cancel_on_signal(context);
  try {
    PredictRequest request;
    request.mutable_architecture()->set_transformers_config(ReadFile(argv[2]));
    request.set_seed(argc == 5 ? ParseSeed(argv[4]) : 0);
    const auto stub = LogahService::NewStub(Connect(argv[1]));
    const Plan plan = Predict(*stub, context, request, argv[3]);
    std::cout << plan.coverage().parameters() << " parameters from " << plan.model() << " in " << argv[3] << "\n";
  } catch (const std::exception& error) {
    std::cerr << "predict: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
