// SPDX-License-Identifier: Apache-2.0
// What a program or script is known by.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace blackstart {

struct FileId {
  uint64_t inode = 0;
  uint32_t dev = 0;  // as the kernel keeps it: major << 20 | minor

  auto operator<=>(const FileId&) const = default;
};
// Links are followed. nullopt: there is no such file, or it may not be looked at.
std::optional<FileId> file_id(const std::filesystem::path& path);

struct Program {
  std::optional<FileId> file;             // nullopt: it is not there
  std::set<std::filesystem::path> names;  // the path it was asked for by, and others that lead to it
  std::set<FileId> interpreters;          // programs that run it when an argument names it

  static Program find(const std::string& path);  // absolute
};

// An interpreter's first arguments may be options: so many are looked at.
inline constexpr int kScriptArguments = 3;

}  // namespace blackstart
