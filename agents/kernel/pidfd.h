// SPDX-License-Identifier: Apache-2.0
// A process that cannot be mistaken for a later one with the same number. Readable once it has died.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "agents/kernel/fd.h"

namespace blackstart {

// Close-on-exec; not valid if there is no such process.
inline Fd open_pidfd(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// 0, or -1 and errno.
inline int signal_pidfd(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace blackstart
