#include "security.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "read_file.h"

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Whether HOST:PORT is this machine beyond doubt.
bool IsLoopback(const std::string& target) {
  const size_t colon = target.rfind(':');
  if (colon == std::string::npos) return false;
  const std::string host = target.substr(0, colon);
  in_addr address;
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  return host == "localhost" || host == "[::1]";
}

}  // namespace

Security::Security(const std::string& target)
    : ca_(Variable("LOGAH_CA")),
      cert_(Variable("LOGAH_CERT")),
      key_(Variable("LOGAH_KEY")),
      token_file_(Variable("LOGAH_TOKEN_FILE")) {
  const std::string choice = Variable("LOGAH_TLS");
  const bool has_files = !ca_.empty() || !cert_.empty();
  if (!choice.empty() && choice != "true" && choice != "false") {
    throw std::runtime_error("LOGAH_TLS is " + choice + "; it must be true or false");
  }
  if (choice == "false" && has_files) {
    throw std::runtime_error("LOGAH_TLS is false; there must be neither LOGAH_CA nor LOGAH_CERT then");
  }
  if (cert_.empty() != key_.empty()) throw std::runtime_error("LOGAH_CERT and LOGAH_KEY go together");
  is_secure_ = choice == "true" || has_files;
  if (!token_file_.empty() && !is_secure_ && !IsLoopback(target)) {
    throw std::runtime_error("the token is not sent to " + target +
                             " in plain text, which others could read: set LOGAH_TLS");
  }
}

std::shared_ptr<grpc::ChannelCredentials> Security::Credentials() const {
  if (!is_secure_) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  if (!ca_.empty()) options.pem_root_certs = ReadFile(ca_);
  if (!cert_.empty()) {
    options.pem_cert_chain = ReadFile(cert_);
    options.pem_private_key = ReadFile(key_);
  }
  return grpc::SslCredentials(options);
}

void Security::ShowToken(grpc::ClientContext& context) const {
  if (token_file_.empty()) return;
  std::string token = ReadFile(token_file_);
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  const bool is_token = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
  // What is no token must not be shown either.
  if (!is_token) throw std::runtime_error(token_file_ + " is empty or has characters that no token has");
  context.AddMetadata("authorization", "Bearer " + token);
}
