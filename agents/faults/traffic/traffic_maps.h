/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the packet classifier (traffic.bpf.c) and its loader share. Integers are in host byte order
 * unless a name says otherwise; addresses are in network order. */
#ifndef BLACKSTART_TRAFFIC_MAPS_H
#define BLACKSTART_TRAFFIC_MAPS_H

#include <linux/types.h>

#include "agents/kernel/program_maps.h"

/* Bit 0 of a bit set says "protected"; bit i, from 1, says "rule i". */
#define TRAFFIC_PROTECTED 1ULL
#define TRAFFIC_MAX_RULES 63

enum traffic_side { TRAFFIC_LOCAL = 1, TRAFFIC_PEER = 2 };
enum traffic_verdict { TRAFFIC_DROP = 0, TRAFFIC_PASS = 1 };

/* Value of every peer map. LPM and hash return the most specific entry only, so bits hold the rules
 * of all covering prefixes. */
struct traffic_peer {
  __u64 bits;
  __u16 site;      /* index into the order's sites, from 1; 0: outside all of them */
  __u16 self_test; /* 1: ended and counted while gate.testing is set */
  __u32 unused;
};

struct traffic_key_v4 {
  __u8 address[4];
};
struct traffic_key_v6 {
  __u8 address[16];
};
struct traffic_prefix_v4 {
  __u32 length;
  __u8 address[4];
};
struct traffic_prefix_v6 {
  __u32 length;
  __u8 address[16];
};

/* Key of the port map; its value is a bit set. */
struct traffic_port {
  __u8 protocol;
  __u8 side; /* enum traffic_side */
  __u16 port;
};

/* In force from gate.t0 + start until before gate.t0 + end. */
struct traffic_rule {
  __u64 start_ns;
  __u64 end_ns;
  __u32 fault;   /* index into the order's faults */
  __u32 answers; /* 1: the sender is to be told, which this program cannot: it lets the packet go on */
};

/* Constants of one armed order: what it does not use is dead code to the verifier. */
struct traffic_config {
  __u64 direction[2];  /* rules of ingress, egress; bit 0 in both */
  __u64 ported;        /* rules that ask for ports */
  __u32 ports;         /* 1: the port map has entries */
  __u32 protected_tcp; /* 1: some TCP port is protected; of a fragment it cannot be known which */
  __u32 protected_udp;
  __u32 exact_v4; /* 1: the map has entries */
  __u32 exact_v6;
  __u32 prefix_v4;
  __u32 prefix_v6;
  __u32 rules;       /* rules 1..rules exist */
  __u32 sites;       /* site indices 0..sites-1 exist */
  __u32 faults;      /* fault indices 0..faults-1 exist; `faults` itself counts the self-test */
  __u32 sieve_shift; /* what a sieve hash is shifted right by; gives the bit */
  __u32 unused;
  struct traffic_rule rule[TRAFFIC_MAX_RULES + 1];
};

/* Element of the per-CPU counters, at traffic_counter_index(). Moments are CLOCK_MONOTONIC. */
struct traffic_count {
  __u64 packets;
  __u64 bytes;
  __u64 first_ns;
  __u64 last_ns;
};

static inline __u32 traffic_counter_index(__u32 sites, __u32 fault, __u32 site, __u32 egress, __u32 verdict) {
  return ((fault * sites + site) * 2 + egress) * 2 + verdict;
}

/* Element of the sieve: bits of it, many at once so that few have to be written. */
#define TRAFFIC_SIEVE_BITS 4096
struct traffic_sieve {
  __u64 words[TRAFFIC_SIEVE_BITS / 64];
};

/* Where the sieve keeps the bit of an address, given as its words in network order. */
static inline __u32 traffic_mix(__u32 word) {
  word = (word ^ word >> 16) * 0x7feb352d;
  return (word ^ word >> 15) * 0x846ca68b;
}
static inline __u32 traffic_sieve_v4(__u32 address) {
  return traffic_mix(address);
}
static inline __u32 traffic_sieve_v6(const __u32 address[4]) {
  return traffic_mix(address[0] ^
                     traffic_mix(address[1] ^ traffic_mix(address[2] ^ traffic_mix(address[3]))));
}

#ifdef __cplusplus
static_assert(sizeof(traffic_peer) == 16 && sizeof(traffic_prefix_v4) == 8 &&
              sizeof(traffic_prefix_v6) == 20);
static_assert(sizeof(traffic_port) == 4 && sizeof(traffic_rule) == 24);
static_assert(sizeof(traffic_count) == 32);
static_assert(sizeof(traffic_config) == 72 + 24 * (TRAFFIC_MAX_RULES + 1));
#endif

#endif
