// How the connection is secured and who asks, by the variables of logah's command line: LOGAH_TLS, LOGAH_CA, LOGAH_CERT,
// LOGAH_KEY and LOGAH_TOKEN_FILE.

#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

class Security {
 public:
  // Throws std::runtime_error where the variables contradict each other, or a token would leave this machine in plain
  // text.
  explicit Security(const std::string& target);

  // Of a channel. Throws std::runtime_error where a file cannot be read.
  std::shared_ptr<grpc::ChannelCredentials> Credentials() const;
  // Sends the token with a call. Its file is read each time, so that one that is replaced is noticed. Throws
  // std::runtime_error.
  void ShowToken(grpc::ClientContext& context) const;

 private:
  std::string ca_, cert_, key_, token_file_;
  bool is_secure_;
};
