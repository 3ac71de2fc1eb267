// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/signalfd.h>

#include <csignal>

#include "agents/kernel/fd.h"

namespace blackstart {

// SIGTERM, SIGINT and SIGHUP as a descriptor, so that a loop ends between two pieces of work, never inside
// one. Before any thread starts, so that all of them block the signals. SIGPIPE is an error of the write.
inline Fd signals_as_fd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);  // as nohup has it
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace blackstart
