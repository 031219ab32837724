// A safetensors file that is written as its data arrives.

#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "logah/v1/logah.pb.h"

// A file under construction beside its final place, `PATH.<random>.partial`. `Commit` puts it in its place; without it
// the destructor removes it. Methods throw ProtocolError for what contradicts the plan, std::system_error for what the
// file system refuses.
class SafetensorsFile {
 public:
  // Writes the header: the tensors of a checked plan, in its order, behind the metadata.
  SafetensorsFile(std::string path, const logah::v1::Plan& plan, uint64_t seed);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  // Writes the next chunk.
  void Append(const logah::v1::Chunk& chunk);
  // Compares all that was written with the summary, which has the digests of what was not whole at byte `resumed_at`.
  void Compare(const logah::v1::Summary& summary, uint64_t resumed_at) const;
  // Bytes of data written.
  uint64_t position() const { return position_; }
  // Puts the content on disk and the file in its place, over one that is there.
  void Commit();

 private:
  struct Tensor {
    std::string name;
    uint64_t end;  // position behind its last byte in the data
    uint32_t crc32 = 0;
  };

  void Write(const std::string& bytes);

  const std::string path_;
  const std::string partial_;
  const uint64_t total_bytes_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::vector<Tensor> tensors_;
  size_t current_ = 0;     // the tensor that the next byte belongs to
  uint64_t position_ = 0;  // bytes of data written
};
