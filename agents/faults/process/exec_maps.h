/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the program at exec (exec.bpf.c) and its loader share. */
#ifndef BLACKSTART_EXEC_MAPS_H
#define BLACKSTART_EXEC_MAPS_H

#include <linux/types.h>

#include "agents/kernel/program_maps.h"

/* What a rule can ask of an exec. */
enum exec_asked { EXEC_PROGRAM, EXEC_COMM, EXEC_LINE, EXEC_USER, EXEC_CGROUP, EXEC_ASKED };

/* Value of every map of properties: bit i of fits[a] says that this property gives rule i what it asks for
 * as a. */
struct exec_fits {
  __u64 fits[EXEC_ASKED];
};

/* dev as the kernel keeps it: major << 20 | minor. */
struct exec_inode {
  __u64 number;
  __u32 dev;
  __u32 unused;
};

/* Longer paths are known by their inode alone. Padded with zeroes, as all text here. */
#define EXEC_PATH 128
struct exec_path {
  char text[EXEC_PATH];
};

/* How a file is called from the folder it is in. */
#define EXEC_NAME 64
struct exec_name {
  struct exec_inode folder;
  char text[EXEC_NAME];
};

#define EXEC_COMM_SIZE 16
struct exec_comm {
  char text[EXEC_COMM_SIZE];
};

/* A command line, each argument with its zero behind it. Longer ones are told apart by their length. */
#define EXEC_LINE_START 500
struct exec_line {
  __u64 length;
  char start[EXEC_LINE_START];
  __u32 unused;
};

/* In force from gate.t0 + start until before gate.t0 + end. */
struct exec_rule {
  __u64 start_ns;
  __u64 end_ns;
};

#define EXEC_MAX_RULES 64
#define EXEC_TEST_PATH 32

/* Constants of one hold-down: what it does not use is dead code to the verifier. */
struct exec_config {
  __u64 asks[EXEC_ASKED]; /* rules that ask for it */
  __u64 rules;            /* rules that exist */
  __u64 never;            /* rules that let through, always */
  __u64 scope;            /* id of the cgroup to look into; 0: everywhere */
  struct exec_inode agent;
  __u32 programs; /* the maps of inodes, paths and names have entries; so for the others */
  __u32 comms;
  __u32 lines;
  __u32 users;
  __u32 cgroups;
  __u32 unused;
  char test_path[EXEC_TEST_PATH]; /* executed while gate.testing is set, it is ended */
  struct exec_rule rule[EXEC_MAX_RULES];
};

#ifdef __cplusplus
static_assert(sizeof(exec_fits) == 40 && sizeof(exec_inode) == 16 && sizeof(exec_name) == 80);
static_assert(sizeof(exec_line) == 512);
static_assert(sizeof(exec_config) == 40 + 24 + 16 + 24 + 32 + 16 * EXEC_MAX_RULES);
#endif

#endif
