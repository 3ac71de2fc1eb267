// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/program.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

namespace blackstart {
namespace {

namespace fs = std::filesystem;

// Programs that run what their arguments name, beside the one a script names itself. The last are the
// loaders of dynamic programs.
constexpr std::array kInterpreters{"sh",   "bash", "dash", "python3", "python", "perl",   "ruby",
                                   "node", "php",  "lua",  "tclsh",   "zsh",    "busybox"};
constexpr std::array kLoaders{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};
constexpr std::array kFolders{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

// Other names of a path: what its links lead to, and /bin for /usr/bin where one leads to the other.
std::set<fs::path> names_of(const fs::path& path) {
  std::set<fs::path> out{path};
  std::error_code none;
  const fs::path real = fs::canonical(path, none);
  if (none) return out;
  out.insert(real);
  for (const char* folder : kFolders) {
    const fs::path other = fs::path(folder) / real.filename();
    if (fs::equivalent(other, real, none) && !none) out.insert(other);
  }
  return out;
}

void add_program(const std::string& name, std::set<FileId>& out) {
  if (name.starts_with('/')) {
    if (const auto file = file_id(name)) out.insert(*file);
    return;
  }
  for (const char* folder : kFolders)
    if (const auto file = file_id(fs::path(folder) / name)) out.insert(*file);
}

// The words behind "#!" of a script.
void add_named_by(const std::string& script, std::set<FileId>& out) {
  std::ifstream file(script, std::ios::binary);
  std::array<char, 256> start{};
  file.read(start.data(), start.size() - 1);
  if (std::strncmp(start.data(), "#!", 2) != 0) return;
  std::string line;
  std::istringstream text(start.data() + 2);
  std::getline(text, line);
  std::istringstream words(line);
  for (std::string word; words >> word;)
    if (!word.starts_with('-')) add_program(word, out);
}

}  // namespace

std::optional<FileId> file_id(const fs::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileId{found.st_ino, (major(found.st_dev) << 20) | minor(found.st_dev)};
}

Program Program::find(const std::string& path) {
  Program out;
  out.file = file_id(path);
  out.names = names_of(path);
  for (const char* name : kInterpreters) add_program(name, out.interpreters);
  for (const char* name : kLoaders) add_program(name, out.interpreters);
  add_named_by(path, out.interpreters);
  return out;
}

}  // namespace blackstart
