#include "safetensors_file.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>

#include "plan.h"

namespace {

using logah::v1::Plan;
using logah::v1::TensorPlan;

[[noreturn]] void ThrowErrno(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

std::string RandomSuffix() {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", std::random_device{}());
  return text;
}

// Names are UTF-8, so only quotes, backslashes and control characters need an escape.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[7];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// 8 bytes of little-endian length, then JSON, padded with spaces to a multiple of 8: byte for byte what the other
// clients of this repository write.
std::string Header(const Plan& plan, uint64_t seed) {
  std::string json = "{\"__metadata__\":{\"format\":\"pt\",\"logah.model\":" + Quoted(plan.model()) +
                     ",\"logah.fingerprint\":" + Quoted(plan.fingerprint()) + ",\"logah.seed\":\"" +
                     std::to_string(seed) + "\"}";
  for (const TensorPlan& tensor : plan.tensors()) {
    if (!tensor.sent()) continue;
    std::string shape;
    for (const int64_t size : tensor.shape()) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    json += "," + Quoted(tensor.name()) + ":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" +
            std::to_string(tensor.offset()) + "," + std::to_string(tensor.offset() + tensor.bytes()) + "]}";
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');
  std::string length;
  for (int byte = 0; byte < 8; ++byte) length += static_cast<char>(json.size() >> (8 * byte) & 0xff);
  return length + json;
}

}  // namespace

SafetensorsFile::SafetensorsFile(std::string path, const Plan& plan, uint64_t seed)
    : path_(std::move(path)),
      partial_(path_ + "." + RandomSuffix() + ".partial"),
      total_bytes_(plan.total_bytes()),
      file_(std::fopen(partial_.c_str(), "wbx"), &std::fclose) {
  if (!file_) ThrowErrno("create " + partial_);
  for (const TensorPlan& tensor : plan.tensors()) {
    // What has no elements has no bytes, and no digest.
    if (tensor.sent() && tensor.bytes() > 0) tensors_.push_back({tensor.name(), tensor.offset() + tensor.bytes()});
  }
  Write(Header(plan, seed));
}

SafetensorsFile::~SafetensorsFile() {
  if (file_) unlink(partial_.c_str());
}

void SafetensorsFile::Append(const logah::v1::Chunk& chunk) {
  const std::string& data = chunk.data();
  if (chunk.offset() != position_) {
    throw ProtocolError("a chunk begins at byte " + std::to_string(chunk.offset()) + ", expected " +
                        std::to_string(position_));
  }
  if (data.empty() || data.size() > total_bytes_ - position_) {
    throw ProtocolError("the chunk at byte " + std::to_string(position_) + " has " + std::to_string(data.size()) +
                        " bytes, expected 1 to " + std::to_string(total_bytes_ - position_));
  }
  Write(data);
  for (size_t begin = 0; begin < data.size();) {
    Tensor& tensor = tensors_[current_];
    const size_t size = std::min<uint64_t>(data.size() - begin, tensor.end - position_);
    tensor.crc32 = crc32_z(tensor.crc32, reinterpret_cast<const Bytef*>(data.data()) + begin, size);
    begin += size;
    position_ += size;
    if (position_ == tensor.end) ++current_;
  }
}

void SafetensorsFile::Compare(const logah::v1::Summary& summary, uint64_t resumed_at) const {
  if (position_ != total_bytes_ || summary.total_bytes() != total_bytes_) {
    throw ProtocolError("the data ends at byte " + std::to_string(position_) + ", expected " +
                        std::to_string(total_bytes_));
  }
  const auto first = std::find_if(tensors_.begin(), tensors_.end(),
                                  [resumed_at](const Tensor& tensor) { return tensor.end > resumed_at; });
  const bool complete = std::equal(first, tensors_.end(), summary.digests().begin(), summary.digests().end(),
                                   [](const auto& tensor, const auto& digest) { return tensor.name == digest.name(); });
  if (!complete) throw ProtocolError("the summary's digests are not those of the tensors sent");
  for (auto tensor = first; tensor != tensors_.end(); ++tensor) {
    if (tensor->crc32 != summary.digests(static_cast<int>(tensor - first)).crc32()) {
      throw ProtocolError("tensor \"" + tensor->name + "\" came damaged: its CRC-32 differs");
    }
  }
}

void SafetensorsFile::Commit() {
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) ThrowErrno("write " + partial_);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) ThrowErrno("rename " + partial_ + " to " + path_);
  file_.reset();
}

void SafetensorsFile::Write(const std::string& bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) ThrowErrno("write " + partial_);
}
