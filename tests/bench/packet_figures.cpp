// SPDX-License-Identifier: Apache-2.0
// A packet's cost in the classifier. BPF_PROG_TEST_RUN repeats one packet, which keeps everything it
// touches in the nearest cache: that is "hot", measured over several peers of a kind, one a sample.
// "A new peer each" is the other end: bench.bpf.c draws a peer, writes it into the packet and tail-calls
// the same classifier; the empty program is reached by the same way, so the difference of the two is
// the classifier's own.
//
// Time is the CPU time of the thread, since other work on the machine would count in wall-clock time.
// Ours and the empty program take turns, and each sample is the difference of neighbours in time.
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <fstream>

#include "agents/contract/units.h"
#include "agents/contract/wire.h"
#include "agents/faults/traffic/datapath.h"
#include "agents/kernel/fd.h"
#include "bench_programs.skel.h"
#include "tests/support/packet.h"

namespace blackstart::bench {
namespace {

constexpr int kSamples = 15;
constexpr int kRepeat = 100'000;

// Four /19, as far apart as the four of a real site: 32,768 addresses, listed or not.
constexpr uint32_t kSite = 0xc6120000;  // 198.18.0.0
constexpr bench_peers kSitePeers{0, 0xffffffff, 1, 0x19fff, kSite};
constexpr bench_peers kSiteNeighbours{0, 0xffffffff, 1, 0x19fff, kSite + 0x2000};

struct Case {
  std::string name;
  contract::Order order;
  bench_peers strangers, neighbours, targets;
  std::optional<double> hot_goal, random_goal;
};

double ns_per_run(int program, const packet::Packet& packet) {
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.bytes.data(),
              .data_size_in = static_cast<uint32_t>(packet.bytes.size()), .repeat = kRepeat);
  const double start = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
  if (const int code = bpf_prog_test_run_opts(program, &options); code != 0)
    throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + strerror(-code));
  return (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start) / kRepeat;
}

packet::Packet from(uint32_t address) {
  using namespace packet;
  return Ethernet() / IPv4{.saddr = dotted(address), .daddr = kHere} / UDP{} / Payload{};
}

struct Cost {
  std::vector<double> ours, empty, difference;
  void add(double of_ours, double of_empty) {
    ours.push_back(of_ours);
    empty.push_back(of_empty);
    difference.push_back(of_ours - of_empty);
  }
  [[nodiscard]] Row row(const std::string& what, std::optional<double> goal) const {
    return figure(what, spread(difference), "ns",
                  "ours " + number(spread(ours).median) + ", empty " + number(spread(empty).median), goal);
  }
};

class Programs {
 public:
  Programs() : skeleton_(bench_programs__open_and_load()) {
    if (!skeleton_) throw std::runtime_error("load the bench's programs: are we root?");
  }
  ~Programs() { bench_programs__destroy(skeleton_); }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  [[nodiscard]] Cost hot(int ours, const bench_peers& peers) const {
    Cost cost;
    for (int i = 0; i < kSamples; ++i) {
      // Spread over the whole set, not its first few.
      const auto packet = from(bench_random_peer(&peers, static_cast<uint32_t>(i) * BENCH_SCATTER));
      const double empty = ns_per_run(bpf_program__fd(skeleton_->progs.bench_empty), packet);
      cost.add(ns_per_run(ours, packet), empty);
    }
    return cost;
  }
  [[nodiscard]] Cost random(int ours, const bench_peers& peers) const {
    skeleton_->bss->peers = peers;
    Cost cost;
    for (int i = 0; i < kSamples; ++i) {
      const double empty = through_front(bpf_program__fd(skeleton_->progs.bench_empty));
      cost.add(through_front(ours), empty);
    }
    return cost;
  }

 private:
  [[nodiscard]] double through_front(int program) const {
    const uint32_t slot = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.bench_next), &slot, &program, BPF_ANY) != 0)
      throw std::runtime_error(std::string("fill bench_next: ") + strerror(errno));
    return ns_per_run(bpf_program__fd(skeleton_->progs.bench_random), from(0));
  }

  bench_programs* skeleton_;
};

// Kernel memory of every map the program uses, as the kernel accounts for it.
double map_megabytes(int program) {
  std::vector<uint32_t> ids(64);
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<uint32_t>(ids.size());
  info.map_ids = reinterpret_cast<uint64_t>(ids.data());
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(program, &info, &size) != 0)
    throw std::runtime_error("ask for a program's maps");
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < info.nr_map_ids; ++i) {
    const Fd map(bpf_map_get_fd_by_id(ids[i]));
    std::ifstream about("/proc/self/fdinfo/" + std::to_string(map.get()));
    for (std::string word; about >> word;)
      if (uint64_t one = 0; word == "memlock:" && about >> one) bytes += one;
  }
  return static_cast<double>(bytes) / 1e6;
}

std::vector<Case> cases() {
  std::vector<Case> out;
  contract::Order site = order_to_drop({});
  for (const uint32_t base : {0x0u, 0x8000u, 0x10000u, 0x18000u})
    to_wire({Prefix::of(*Address::parse(dotted(kSite + base))).base, 19},
            site.mutable_faults(0)->mutable_rules(0)->add_peers());
  const bench_peers strangers{0, 0xffffffff, BENCH_SCATTER, 0xffffffff, 0};
  out.push_back({"a site, 4 prefixes", site, strangers, kSiteNeighbours, kSitePeers, 25, {}});
  std::vector<bench_peers> listed;
  for (const uint32_t base : {0x0u, 0x8000u, 0x10000u, 0x18000u})
    listed.push_back({0, 8000, 1, 0x1fff, kSite + base});
  out.push_back(
      {"its 32,000 hosts listed", order_to_drop(listed), strangers, kSiteNeighbours, listed[1], 25, {}});
  for (const uint32_t count : {1u, 1'000u, 32'000u, 1'000'000u}) {
    const bench_peers targets = scattered(count);
    bench_peers outside = targets, beside = targets;
    outside.first = count + 1;
    outside.count = 0xffffffff - count - 1;
    beside.offset = 1;
    Case one{number(count) + (count == 1 ? " address" : " addresses"),
             order_to_drop({targets}),
             outside,
             beside,
             targets,
             {},
             {}};
    if (count == 1'000'000) {
      one.hot_goal = 60;
      one.random_goal = 300;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

std::vector<Section> packet_figures() {
  const Programs programs;
  Section hot{"ns a packet over an empty program, one packet repeated (hot)", {}};
  Section random{"ns a packet over an empty program, a new peer each", {}};
  Section size{"filling the classifier: from the order to its maps in the kernel", {}};
  for (Case& one : cases()) {
    std::unique_ptr<Datapath> datapath;
    size_t entries = 0;
    const double fill = milliseconds_of([&] {
      const Classifier classifier = must(classify(one.order));
      entries = classifier.prefixes_v4.size() + classifier.exact_v4.size();
      datapath = must(Datapath::make(classifier, one.order.run(), Datapath::Entry::kDirect));
    });
    one.order.Clear();
    datapath->fire(monotonic_now() - 1'000'000'000, {INT64_MAX, INT64_MAX});
    const int program = datapath->classifier(LinkLayer::kEthernet, Hook::kIngress);
    size.rows.push_back(figure(one.name, spread({fill}), "ms",
                               number(static_cast<double>(entries)) + " entries with the self-test's, " +
                                   number(map_megabytes(program)) + " MB of kernel memory"));
    const std::pair<const char*, const bench_peers*> kinds[] = {
        {"stranger", &one.strangers}, {"neighbour", &one.neighbours}, {"target", &one.targets}};
    for (const auto& [kind, peers] : kinds) {
      const bool stranger = peers == &one.strangers;
      hot.rows.push_back(
          programs.hot(program, *peers).row(one.name + ": " + kind, stranger ? one.hot_goal : std::nullopt));
      random.rows.push_back(programs.random(program, *peers)
                                .row(one.name + ": " + kind, stranger ? one.random_goal : std::nullopt));
    }
  }
  return {hot, random, size};
}

}  // namespace blackstart::bench
