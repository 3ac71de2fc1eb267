/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of peer addresses by formula, so that the kernel side can draw one without a table, whose
 * lookups would disturb the caches under measurement. */
#ifndef BLACKSTART_BENCH_PEERS_H
#define BLACKSTART_BENCH_PEERS_H

#include <linux/types.h>

/* Addresses ((first + i) * step & mask) + offset for i < count, in host byte order. */
struct bench_peers {
  __u32 first, count, step, mask, offset;
};

/* An odd number near 2^32 / golden ratio: multiples spread evenly and never meet. */
#define BENCH_SCATTER 2654435761U

static inline __u32 bench_peer(const struct bench_peers* peers, __u32 i) {
  return ((peers->first + i) * peers->step & peers->mask) + peers->offset;
}

/* Of a random 32-bit number, a peer. */
static inline __u32 bench_random_peer(const struct bench_peers* peers, __u32 random) {
  return bench_peer(peers, (__u32)((__u64)random * peers->count >> 32));
}

#endif
