/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every program of a fault shares with its loader. */
#ifndef BLACKSTART_PROGRAM_MAPS_H
#define BLACKSTART_PROGRAM_MAPS_H

#include <linux/types.h>

/* The words that fire and renew, on CLOCK_MONOTONIC. */
struct program_gate {
  __u64 t0; /* 0: not fired */
  __u64 lease_end_ns;
  __u64 horizon_ns; /* rules that start at this offset or later wait */
  __u64 testing;
};

/* Says whose objects these are. */
struct program_identity {
  char run[64];
  char boot_id[40];
  __u64 pid;
};

#ifdef __cplusplus
static_assert(sizeof(program_gate) == 32 && sizeof(program_identity) == 112);
#endif

#endif
