// SPDX-License-Identifier: Apache-2.0
// systemd's @system-service (`systemd-analyze syscall-filter @system-service`, systemd 252), group by
// group, and bpf. Left out, since no part of an agent has a use for them: the groups @aio (io_uring),
// @keyring, @resources, System V IPC and message queues, and setns, unshare, mknod, personality, kcmp,
// setfsuid, process_vm_readv and the like.
#include <array>

#include "agents/daemon/walls.h"

namespace blackstart {
namespace {

// clang-format off
constexpr auto kCalls = std::to_array<std::string_view>({
    // the datapath: programs, maps, links
    "bpf",
    // @default
    "arch_prctl", "brk", "cacheflush", "clock_getres", "clock_getres_time64", "clock_gettime",
    "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "execve", "exit", "exit_group", "futex",
    "futex_time64", "futex_waitv", "get_robust_list", "get_thread_area", "getegid", "getegid32", "geteuid",
    "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp", "getpid", "getppid",
    "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit", "getsid", "gettid",
    "gettimeofday", "getuid", "getuid32", "membarrier", "mmap", "mmap2", "mprotect", "munmap", "nanosleep",
    "pause", "prlimit64", "restart_syscall", "riscv_flush_icache", "rseq", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "set_thread_area", "set_tid_address", "set_tls",
    "sigreturn", "time", "ugetrlimit",
    // @basic-io
    "_llseek", "close", "close_range", "dup", "dup2", "dup3", "lseek", "pread64", "preadv", "preadv2",
    "pwrite64", "pwritev", "pwritev2", "read", "readv", "write", "writev",
    // @chown
    "chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32",
    // @file-system
    "access", "chdir", "chmod", "creat", "faccessat", "faccessat2", "fallocate", "fchdir", "fchmod",
    "fchmodat", "fcntl", "fcntl64", "fgetxattr", "flistxattr", "fstat", "fstat64", "fstatat64", "fstatfs",
    "fstatfs64", "ftruncate", "ftruncate64", "futimesat", "getcwd", "getdents", "getdents64", "getxattr",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "lgetxattr", "link", "linkat",
    "listxattr", "llistxattr", "lstat", "lstat64", "mkdir", "mkdirat", "newfstatat", "open", "openat",
    "openat2", "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "stat64",
    "statfs", "statfs64", "statx", "symlink", "symlinkat", "truncate", "truncate64", "unlink", "unlinkat",
    "utime", "utimensat", "utimensat_time64", "utimes",
    // @io-event
    "_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "poll", "ppoll", "ppoll_time64",
    "pselect6", "pselect6_time64", "select",
    // of @ipc
    "memfd_create", "pipe", "pipe2",
    // @memlock
    "mlock", "mlock2", "mlockall", "munlock", "munlockall",
    // @network-io
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
    "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown", "socket", "socketcall", "socketpair",
    // of @process; clone apart
    "capget", "capset", "execveat", "fork", "getrusage", "kill", "pidfd_open", "pidfd_send_signal", "prctl",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "swapcontext", "tgkill", "times", "tkill", "vfork", "wait4",
    "waitid", "waitpid",
    // @setuid
    "setgid", "setgid32", "setgroups", "setgroups32", "setregid", "setregid32", "setresgid", "setresgid32",
    "setresuid", "setresuid32", "setreuid", "setreuid32", "setuid", "setuid32",
    // @signal
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_sigtimedwait_time64", "sigaction", "sigaltstack", "signal", "signalfd", "signalfd4", "sigpending",
    "sigprocmask", "sigsuspend",
    // @sync
    "fdatasync", "fsync", "msync", "sync", "sync_file_range", "sync_file_range2", "syncfs",
    // @timer
    "alarm", "getitimer", "setitimer", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
    "timerfd_gettime64", "timerfd_settime", "timerfd_settime64",
    // of @system-service itself
    "arm_fadvise64_64", "copy_file_range", "fadvise64", "fadvise64_64", "flock", "getcpu", "getpriority",
    "ioctl", "ioprio_get", "madvise", "mremap", "name_to_handle_at", "readahead", "readdir",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getattr", "sched_getparam",
    "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64", "sendfile", "sendfile64",
    "setpgid", "setsid", "splice", "sysinfo", "tee", "umask", "uname",
});
// clang-format on

}  // namespace

std::span<const std::string_view> allowed_system_calls() {
  return kCalls;
}

}  // namespace blackstart
