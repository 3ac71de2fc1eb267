// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Ends a process at exec, before its first instruction in user space, if it fits a rule in force: what is
// known of it (inode, path, name, arguments, user, cgroup) gives each rule what it asks for, or does not.
// Hash look-ups alone: the cost does not grow with the number of rules.
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "agents/faults/process/exec_maps.h"

#define SIGKILL 9
#define EPERM 1
#define MAX_CGROUP_DEPTH 24
#define SCRIPT_ARGUMENTS 3 /* of an interpreter: its first ones may be options */

/* The parts of the kernel's own that are read here. */
#define KERNEL_STRUCT __attribute__((preserve_access_index))
struct super_block {
  __u32 s_dev;
} KERNEL_STRUCT;
struct inode {
  struct super_block* i_sb;
  unsigned long i_ino;
} KERNEL_STRUCT;
struct dentry {
  struct inode* d_inode;
} KERNEL_STRUCT;
struct path {
  struct dentry* dentry;
} KERNEL_STRUCT;
struct fs_struct {
  struct path pwd;
} KERNEL_STRUCT;
struct file {
  struct inode* f_inode;
} KERNEL_STRUCT;
struct mm_struct {
  unsigned long arg_start, arg_end;
} KERNEL_STRUCT;
struct task_struct {
  struct mm_struct* mm;
  struct fs_struct* fs;
} KERNEL_STRUCT;
struct linux_binprm {
  struct file* file;
  const char* filename;
} KERNEL_STRUCT;

const volatile struct exec_config config;
volatile struct program_gate gate;

#define PROPERTY_MAP(name_, key_type) \
  struct {                            \
    __uint(type, BPF_MAP_TYPE_HASH);  \
    __uint(max_entries, 1);           \
    __type(key, key_type);            \
    __type(value, struct exec_fits);  \
  } name_ SEC(".maps")

PROPERTY_MAP(blackstart_inod, struct exec_inode);
PROPERTY_MAP(blackstart_path, struct exec_path);
PROPERTY_MAP(blackstart_name, struct exec_name);
PROPERTY_MAP(blackstart_comm, struct exec_comm);
PROPERTY_MAP(blackstart_line, struct exec_line);
PROPERTY_MAP(blackstart_user, __u32);
PROPERTY_MAP(blackstart_cgrp, __u64);

/* Programs whose arguments may name what they are to run. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct exec_inode);
  __type(value, __u32);
} blackstart_intp SEC(".maps");

/* How many execs each rule ended. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, EXEC_MAX_RULES);
  __type(key, __u32);
  __type(value, __u64);
} blackstart_ends SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct exec_line);
} blackstart_room SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct program_identity);
} blackstart_id SEC(".maps");

static __always_inline void gain(struct exec_fits* so_far, const struct exec_fits* more) {
  if (!more) return;
  for (int i = 0; i < EXEC_ASKED; i++) so_far->fits[i] |= more->fits[i];
}

static __always_inline struct exec_inode identify(const struct inode* inode) {
  struct exec_inode out = {};
  if (!inode) return out;
  out.number = inode->i_ino;
  out.dev = inode->i_sb->s_dev;
  return out;
}

/* False: not in scope. */
static __always_inline bool gain_by_cgroup(struct exec_fits* so_far) {
  bool inside = !config.scope;
  if (inside && !config.cgroups) return true;
  for (int level = 0; level < MAX_CGROUP_DEPTH; level++) {
    __u64 id = bpf_get_current_ancestor_cgroup_id(level);
    if (!id) break;
    if (id == config.scope) inside = true;
    if (config.cgroups) gain(so_far, bpf_map_lookup_elem(&blackstart_cgrp, &id));
  }
  return inside;
}

/* By what the file is called: from the root, or from the folder the process is in. */
static __always_inline void gain_by_path(struct exec_fits* so_far, const struct exec_path* path) {
  if (path->text[0] == '/') {
    gain(so_far, bpf_map_lookup_elem(&blackstart_path, path));
    return;
  }
  const struct task_struct* task = (const struct task_struct*)bpf_get_current_task_btf();
  struct exec_name key = {};
  key.folder = identify(task->fs->pwd.dentry->d_inode);
  bool dotted = path->text[0] == '.' && path->text[1] == '/';
  if (bpf_probe_read_kernel_str(key.text, sizeof(key.text), path->text + (dotted ? 2 : 0)) > 0)
    gain(so_far, bpf_map_lookup_elem(&blackstart_name, &key));
}

/* The script that an interpreter is told to run. */
static __always_inline void gain_by_arguments(struct exec_fits* so_far, unsigned long at) {
  for (int i = 0; i <= SCRIPT_ARGUMENTS; i++) {
    struct exec_path path = {};
    long size = bpf_probe_read_user_str(path.text, sizeof(path.text), (const void*)at);
    if (size <= 0 || size == sizeof(path.text)) return;
    if (i > 0) gain_by_path(so_far, &path);
    at += size;
  }
}

static __always_inline void gain_by_line(struct exec_fits* so_far, unsigned long at, unsigned long end) {
  __u32 zero = 0;
  struct exec_line* line = bpf_map_lookup_elem(&blackstart_room, &zero);
  if (!line || end <= at) return;
  __builtin_memset(line, 0, sizeof(*line));
  __u64 size = end - at;
  line->length = size;
  asm volatile("" : "+r"(size)); /* or the compiler tests a copy, which the verifier does not follow */
  if (size > EXEC_LINE_START) size = EXEC_LINE_START;
  if (!bpf_probe_read_user(line->start, size, (const void*)at))
    gain(so_far, bpf_map_lookup_elem(&blackstart_line, line));
}

/* The rule that ends it, or -1. */
static __always_inline int first_in_force(__u64 rules) {
  __u64 t0 = gate.t0, lease_end = gate.lease_end_ns, horizon = gate.horizon_ns;
  __u64 now = bpf_ktime_get_ns();
  if (!t0 || now >= lease_end) return -1;
  for (int i = 0; i < EXEC_MAX_RULES; i++) {
    if (!(rules >> i & 1)) continue;
    if (config.rule[i].start_ns >= horizon) continue;
    if (now >= t0 + config.rule[i].start_ns && now < t0 + config.rule[i].end_ns) return i;
  }
  return -1;
}

/* `started`: the new image is in place, with its arguments, name and user. */
static __always_inline bool is_to_end(struct linux_binprm* bprm, bool started) {
  if (!gate.t0 && !gate.testing) return false;
  if (bpf_get_current_pid_tgid() >> 32 == 1) return false;
  struct exec_path path = {};
  bpf_probe_read_kernel_str(path.text, sizeof(path.text), bprm->filename);
  if (gate.testing && !bpf_strncmp(path.text, EXEC_TEST_PATH, (const char*)config.test_path)) return true;

  struct exec_fits fits = {};
  if (!gain_by_cgroup(&fits)) return false;
  struct exec_inode program = identify(bprm->file->f_inode);
  if (program.number == config.agent.number && program.dev == config.agent.dev) return false;
  const struct task_struct* task = (const struct task_struct*)bpf_get_current_task_btf();
  if (config.programs) {
    gain(&fits, bpf_map_lookup_elem(&blackstart_inod, &program));
    gain_by_path(&fits, &path);
    if (started && bpf_map_lookup_elem(&blackstart_intp, &program))
      gain_by_arguments(&fits, task->mm->arg_start);
  }
  if (config.users) {
    __u32 user = bpf_get_current_uid_gid();
    gain(&fits, bpf_map_lookup_elem(&blackstart_user, &user));
  }
  if (config.comms && started) {
    struct exec_comm comm = {};
    bpf_get_current_comm(comm.text, sizeof(comm.text));
    gain(&fits, bpf_map_lookup_elem(&blackstart_comm, &comm));
  }
  if (config.lines && started) gain_by_line(&fits, task->mm->arg_start, task->mm->arg_end);

  __u64 rules = config.rules, never = config.never;
  for (int i = 0; i < EXEC_ASKED; i++) {
    __u64 given = fits.fits[i] | ~config.asks[i];
    rules &= given;
    if (started || i == EXEC_USER || i == EXEC_CGROUP) never &= given; /* else it may fit yet */
  }
  rules &= ~config.never;
  if (!rules || never) return false;
  __u32 rule = first_in_force(rules);
  __u64* ends = bpf_map_lookup_elem(&blackstart_ends, &rule);
  if (!ends) return false;
  __sync_fetch_and_add(ends, 1);
  return true;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(blackstart_exec, struct task_struct* task, int old_pid, struct linux_binprm* bprm) {
  (void)ctx, (void)task, (void)old_pid;
  if (is_to_end(bprm, true)) bpf_send_signal(SIGKILL);
  return 0;
}

/* Where BPF may deny, it is denied before anything of the new image is there; what is known only then is left
 * to the program above. */
SEC("lsm/bprm_check_security")
int BPF_PROG(blackstart_deny, struct linux_binprm* bprm, int earlier) {
  (void)ctx;
  if (earlier) return earlier;
  return is_to_end(bprm, false) ? -EPERM : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
