// SPDX-License-Identifier: Apache-2.0
#include "agents/language/read_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <sys/stat.h>

#include "agents/language/document.h"

namespace blackstart {

Result<std::string> read_file(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  if (!file) return fail(ErrorKind::kInvalid, "open", path, errno);
  struct stat about {};
  if (fstat(fileno(file.get()), &about) != 0) return fail(ErrorKind::kInvalid, "stat", path, errno);
  if (S_ISDIR(about.st_mode)) return fail(ErrorKind::kInvalid, "read", path, EISDIR);
  if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode))
    return fail(ErrorKind::kInvalid, "read", path, 0, "it is no regular file");
  // One byte more than allowed: enough for read_yaml to refuse it.
  const size_t most = DocumentLimits{}.bytes + 1;
  std::string text;
  char buffer[65536];
  while (text.size() < most) {
    const size_t count = std::fread(buffer, 1, std::min(sizeof buffer, most - text.size()), file.get());
    if (count == 0) break;
    text.append(buffer, count);
  }
  if (std::ferror(file.get())) return fail(ErrorKind::kInvalid, "read", path, errno);
  return text;
}

}  // namespace blackstart
