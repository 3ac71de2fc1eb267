// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <string>

#include "agents/contract/result.h"

namespace blackstart {

// A refusal by the kernel, with what the reader can do about it.
inline tl::unexpected<Error> kernel_refused(int code, std::string operation, std::string object,
                                            std::string hint = {}) {
  const bool permission = code == EPERM || code == EACCES;
  if (permission && hint.empty()) hint = "the agent needs CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON (or root)";
  const bool missing = permission || code == EOPNOTSUPP || code == ENOSYS;
  return fail(missing ? ErrorKind::kMissing : ErrorKind::kInternal, std::move(operation), std::move(object),
              code, std::move(hint));
}

}  // namespace blackstart
