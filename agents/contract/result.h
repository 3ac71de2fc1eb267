// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace blackstart {

// Why something could not be done; the command line turns it into an exit code.
enum class ErrorKind {
  kInvalid,      // the input is wrong
  kMissing,      // this kernel, user or version cannot do it
  kRefused,      // a safety rule forbids it
  kStranded,     // something could not be taken back
  kUnreachable,  // the other side does not answer
  kInternal,     // anything else
};

// One failure: what was being done, to what, the errno (0: none), and what the reader can do about it.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string operation;
  std::string object;
  int code = 0;
  std::string hint;

  // "attach site-blackhole to eth0: EPERM (Operation not permitted); the agent needs CAP_NET_ADMIN"
  [[nodiscard]] std::string message() const;
};

template <typename T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string operation, std::string object = {},
                                  int code = 0, std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(operation), std::move(object), code, std::move(hint)});
}

// For a failed system call: takes the errno.
inline tl::unexpected<Error> fail_errno(int code, std::string operation, std::string object = {},
                                        std::string hint = {}) {
  return fail(ErrorKind::kInternal, std::move(operation), std::move(object), code, std::move(hint));
}

// For what goes on after a failure and reports the first.
inline void keep_first(Result<>& first, Result<> next) {
  if (first && !next) first = std::move(next);
}

}  // namespace blackstart
