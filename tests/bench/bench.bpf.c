// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the classifier is measured against, and a front that gives it a new peer with every packet.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/peers.h"

#define NEXT (-1)

struct bench_peers peers;

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} bench_next SEC(".maps");

SEC("tc") int bench_empty(struct __sk_buff* skb) {
  (void)skb;
  return NEXT;
}

/* Writes a random peer into the packet as its source, and hands it to the program in slot 0. */
SEC("tc") int bench_random(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  struct iphdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) > end) return NEXT;
  ip->saddr = bpf_htonl(bench_random_peer(&peers, bpf_get_prandom_u32()));
  bpf_tail_call(skb, &bench_next, 0);
  return NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
