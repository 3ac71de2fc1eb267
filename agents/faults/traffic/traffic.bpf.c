// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One classifier for every packet fault of an order: the peer's address gives a set of rules, ports
// and direction narrow it, the first rule in force drops the packet without a word, or leaves it to
// who answers for it. Bit 0 of the set protects. Everything else goes on to the next program: this one never
// accepts for others.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "agents/faults/traffic/traffic_maps.h"

/* TCX_NEXT under TCX, TC_ACT_UNSPEC under clsact: the same value. */
#define NEXT (-1)
#define MAX_VLAN_TAGS 2
#define MAX_EXTENSION_HEADERS 8
#define EGRESS 1
#define INGRESS 0

const volatile struct traffic_config config;
volatile struct program_gate gate;

#define PEER_MAP(name_, map_type, key_type, map_flags_) \
  struct {                                              \
    __uint(type, map_type);                             \
    __uint(max_entries, 1);                             \
    __uint(map_flags, map_flags_);                      \
    __type(key, key_type);                              \
    __type(value, struct traffic_peer);                 \
  } name_ SEC(".maps")

PEER_MAP(blackstart_x4, BPF_MAP_TYPE_HASH, struct traffic_key_v4, 0);
PEER_MAP(blackstart_x6, BPF_MAP_TYPE_HASH, struct traffic_key_v6, 0);
PEER_MAP(blackstart_v4, BPF_MAP_TYPE_LPM_TRIE, struct traffic_prefix_v4, BPF_F_NO_PREALLOC);
PEER_MAP(blackstart_v6, BPF_MAP_TYPE_LPM_TRIE, struct traffic_prefix_v6, BPF_F_NO_PREALLOC);

/* Every address in the hashes sets the bit traffic_sieve_v4/v6() gives; most strangers meet an unset
 * one, and are told apart without a call and without the memory of the hashes. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct traffic_sieve);
} blackstart_siev SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct traffic_port);
  __type(value, __u64);
} blackstart_port SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct traffic_count);
} blackstart_cnt SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct program_identity);
} blackstart_id SEC(".maps");

/* Slot ((raw ? 2 : 0) + egress). The agent holds the only user-space reference: when it dies, the
 * kernel empties the array and the stubs fall through. */
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} blackstart_jmp SEC(".maps");

/* Where the upper protocol starts, and what is known about it. */
struct upper {
  __u32 offset;
  __u8 protocol;
  bool readable; /* false: a later fragment; ports are not in this packet */
  bool resolved; /* false: too many extension headers; the protocol is not known either */
};

/* A header where it lies, or copied to `copy` if the packet is in pieces; NULL: it is cut short. */
static __always_inline const void* header(struct __sk_buff* skb, __u32 offset, void* copy, __u32 size) {
  const void* data = (const void*)(long)skb->data;
  const void* end = (const void*)(long)skb->data_end;
  if (data + offset + size <= end) return data + offset;
  return bpf_skb_load_bytes(skb, offset, copy, size) ? NULL : copy;
}

/* Ends the packet so that nobody hears of it. On the way out TC_ACT_SHOT would tell the sender's own
 * stack (NET_XMIT_DROP): UDP sockets with IP_RECVERR get ENOBUFS, and TCP tries every 500 ms without
 * backing off and gives up within seconds. A redirect to an interface that does not exist frees the
 * packet and reports success, under TCX and clsact alike. */
static __always_inline int vanish(__u32 egress) {
  return egress ? bpf_redirect(0, 0) : TC_ACT_SHOT;
}

static __always_inline void count(const struct __sk_buff* skb, __u32 fault, __u32 site, __u32 egress,
                                  __u32 verdict, __u64 now) {
  __u32 index = traffic_counter_index(config.sites, fault, site, egress, verdict);
  struct traffic_count* counter = bpf_map_lookup_elem(&blackstart_cnt, &index);
  if (!counter) return;
  counter->packets += skb->gso_segs ? skb->gso_segs : 1;
  counter->bytes += skb->len;
  if (!counter->first_ns) counter->first_ns = now;
  counter->last_ns = now;
}

static __always_inline bool may_be_exact(__u32 hash) {
  __u32 bit = hash >> config.sieve_shift, index = bit / TRAFFIC_SIEVE_BITS;
  const struct traffic_sieve* sieve = bpf_map_lookup_elem(&blackstart_siev, &index);
  return sieve && sieve->words[bit % TRAFFIC_SIEVE_BITS / 64] >> (bit % 64) & 1;
}

static __always_inline const struct traffic_peer* find_v4(__be32 address) {
  if (config.exact_v4 && may_be_exact(traffic_sieve_v4(address))) {
    struct traffic_key_v4 key;
    __builtin_memcpy(key.address, &address, sizeof(key));
    const struct traffic_peer* peer = bpf_map_lookup_elem(&blackstart_x4, &key);
    if (peer) return peer;
  }
  if (config.prefix_v4) {
    struct traffic_prefix_v4 key = {.length = 32};
    __builtin_memcpy(key.address, &address, sizeof(key.address));
    return bpf_map_lookup_elem(&blackstart_v4, &key);
  }
  return NULL;
}

static __always_inline const struct traffic_peer* find_v6(const struct in6_addr* address) {
  if (config.exact_v6 && may_be_exact(traffic_sieve_v6(address->in6_u.u6_addr32))) {
    struct traffic_key_v6 key;
    __builtin_memcpy(key.address, address, sizeof(key));
    const struct traffic_peer* peer = bpf_map_lookup_elem(&blackstart_x6, &key);
    if (peer) return peer;
  }
  if (config.prefix_v6) {
    struct traffic_prefix_v6 key = {.length = 128};
    __builtin_memcpy(key.address, address, sizeof(key.address));
    return bpf_map_lookup_elem(&blackstart_v6, &key);
  }
  return NULL;
}

/* The bits ports give: rules that name one of them, and protection. */
static __always_inline __u64 port_bits(struct __sk_buff* skb, const struct upper* upper, __u32 egress) {
  if (!upper->resolved) return config.protected_tcp || config.protected_udp ? TRAFFIC_PROTECTED : 0;
  if (upper->protocol != IPPROTO_TCP && upper->protocol != IPPROTO_UDP) return 0;

  __be16 ports[2]; /* source, destination */
  if (!upper->readable || bpf_skb_load_bytes(skb, upper->offset, ports, sizeof(ports)))
    return (upper->protocol == IPPROTO_TCP ? config.protected_tcp : config.protected_udp) ? TRAFFIC_PROTECTED
                                                                                          : 0;

  __u64 bits = 0;
  struct traffic_port key = {.protocol = upper->protocol, .side = TRAFFIC_LOCAL};
  key.port = bpf_ntohs(egress ? ports[0] : ports[1]);
  const __u64* local = bpf_map_lookup_elem(&blackstart_port, &key);
  if (local) bits |= *local;
  key.side = TRAFFIC_PEER;
  key.port = bpf_ntohs(egress ? ports[1] : ports[0]);
  const __u64* remote = bpf_map_lookup_elem(&blackstart_port, &key);
  if (remote) bits |= *remote;
  return bits;
}

static __always_inline int judge(struct __sk_buff* skb, const struct traffic_peer* peer,
                                 const struct upper* upper, __u32 egress) {
  __u64 bits = peer->bits & config.direction[egress];
  if (config.ports) {
    __u64 by_port = port_bits(skb, upper, egress);
    bits &= by_port | ~config.ported;
    bits |= by_port & TRAFFIC_PROTECTED;
  }
  if (peer->self_test && gate.testing) {
    bool pass = bits & TRAFFIC_PROTECTED;
    count(skb, config.faults, 0, egress, pass ? TRAFFIC_PASS : TRAFFIC_DROP, 1);
    return vanish(egress); /* it is nobody's */
  }
  __u64 rules = bits & ~TRAFFIC_PROTECTED;
  if (!rules) return NEXT;

  __u64 t0 = gate.t0, lease_end = gate.lease_end_ns, horizon = gate.horizon_ns;
  if (!t0) return NEXT;
  __u64 now = bpf_ktime_get_coarse_ns();
  if (now >= lease_end) return NEXT;
  for (__u32 i = 1; i <= TRAFFIC_MAX_RULES && i <= config.rules; i++) {
    if (!(rules >> i & 1)) continue;
    if (config.rule[i].start_ns >= horizon) continue;
    if (now < t0 + config.rule[i].start_ns || now >= t0 + config.rule[i].end_ns) continue;
    if (config.rule[i].answers) return NEXT;
    bool pass = bits & TRAFFIC_PROTECTED;
    count(skb, config.rule[i].fault, peer->site, egress, pass ? TRAFFIC_PASS : TRAFFIC_DROP, now);
    return pass ? NEXT : vanish(egress);
  }
  return NEXT;
}

static __always_inline int classify_v4(struct __sk_buff* skb, __u32 offset, __u32 egress) {
  struct iphdr copy;
  const struct iphdr* ip = header(skb, offset, &copy, sizeof(copy));
  if (!ip) return NEXT;
  const struct traffic_peer* peer = find_v4(egress ? ip->daddr : ip->saddr);
  if (!peer) return NEXT;
  struct upper upper = {
      .offset = offset + ip->ihl * 4,
      .protocol = ip->protocol,
      .readable = !(ip->frag_off & bpf_htons(0x1fff)),
      .resolved = true,
  };
  return judge(skb, peer, &upper, egress);
}

static __always_inline void walk_extension_headers(struct __sk_buff* skb, struct upper* upper) {
  for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
    __u8 bytes[4];
    __u8 protocol = upper->protocol;
    bool options = protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
                   protocol == IPPROTO_DSTOPTS || protocol == 135 /* mobility */ ||
                   protocol == 139 /* HIP */ || protocol == 140 /* shim6 */;
    if (!options && protocol != IPPROTO_FRAGMENT && protocol != IPPROTO_AH) {
      upper->resolved = true;
      return;
    }
    if (!upper->readable || bpf_skb_load_bytes(skb, upper->offset, bytes, sizeof(bytes))) return;
    upper->protocol = bytes[0];
    if (protocol == IPPROTO_FRAGMENT) {
      upper->offset += 8;
      upper->readable = !(((bytes[2] << 8) | bytes[3]) & 0xfff8);
    } else if (protocol == IPPROTO_AH) {
      upper->offset += (bytes[1] + 2) * 4;
    } else {
      upper->offset += (bytes[1] + 1) * 8;
    }
  }
}

static __always_inline bool neighbour_discovery(struct __sk_buff* skb, const struct upper* upper) {
  __u8 type;
  if (upper->protocol != IPPROTO_ICMPV6 || !upper->resolved || !upper->readable) return false;
  if (bpf_skb_load_bytes(skb, upper->offset, &type, sizeof(type))) return false;
  return type >= 133 && type <= 137;
}

static __always_inline int classify_v6(struct __sk_buff* skb, __u32 offset, __u32 egress) {
  struct ipv6hdr copy;
  const struct ipv6hdr* ip = header(skb, offset, &copy, sizeof(copy));
  if (!ip) return NEXT;
  const struct traffic_peer* peer = find_v6(egress ? &ip->daddr : &ip->saddr);
  if (!peer) return NEXT;
  struct upper upper = {.offset = offset + sizeof(copy), .protocol = ip->nexthdr, .readable = true};
  walk_extension_headers(skb, &upper);
  if (neighbour_discovery(skb, &upper)) return NEXT;
  return judge(skb, peer, &upper, egress);
}

static __always_inline int classify_ethernet(struct __sk_buff* skb, __u32 egress) {
  __u32 offset = offsetof(struct ethhdr, h_proto);
  __be16 copy;
  const __be16* at = header(skb, offset, &copy, sizeof(copy));
  if (!at) return NEXT;
  __be16 type = *at;
  for (int i = 0; i < MAX_VLAN_TAGS; i++) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    offset += 4;
    at = header(skb, offset, &copy, sizeof(copy));
    if (!at) return NEXT;
    type = *at;
  }
  if (type == bpf_htons(ETH_P_IP)) return classify_v4(skb, offset + 2, egress);
  if (type == bpf_htons(ETH_P_IPV6)) return classify_v6(skb, offset + 2, egress);
  return NEXT;
}

/* Devices without a link header: the packet starts with its IP version. */
static __always_inline int classify_raw(struct __sk_buff* skb, __u32 egress) {
  __u8 copy;
  const __u8* first = header(skb, 0, &copy, sizeof(copy));
  if (!first) return NEXT;
  __u8 version = *first >> 4;
  if (version == 4) return classify_v4(skb, 0, egress);
  if (version == 6) return classify_v6(skb, 0, egress);
  return NEXT;
}

#define CLASSIFIER(name, stub, classify, egress, slot) \
  SEC("tc") int name(struct __sk_buff* skb) {          \
    return classify(skb, egress);                      \
  }                                                    \
  SEC("tc") int stub(struct __sk_buff* skb) {          \
    bpf_tail_call(skb, &blackstart_jmp, slot);         \
    return NEXT;                                       \
  }

CLASSIFIER(blackstart_in, blackstart_s_in, classify_ethernet, INGRESS, 0)
CLASSIFIER(blackstart_out, blackstart_sout, classify_ethernet, EGRESS, 1)
CLASSIFIER(blackstart_in3, blackstart_sin3, classify_raw, INGRESS, 2)
CLASSIFIER(blackstart_out3, blackstart_sou3, classify_raw, EGRESS, 3)

/* Every helper used is open to any licence; the kernel wants to know all the same. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
