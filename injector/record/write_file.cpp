// SPDX-License-Identifier: Apache-2.0
#include "injector/record/write_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace blackstart {

Result<> write_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << text;
    if (!file.flush()) return fail(ErrorKind::kInvalid, "write", path, errno);
  }
  std::error_code code;
  std::filesystem::rename(fresh, path, code);
  if (code) return fail(ErrorKind::kInvalid, "write", path, code.value());
  return {};
}

}  // namespace blackstart
