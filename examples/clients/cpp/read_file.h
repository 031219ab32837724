// Files as they are.

#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

// Throws std::runtime_error that names the file.
inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) throw std::runtime_error("cannot read " + path);
  return content.str();
}
