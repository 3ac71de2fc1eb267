// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/datapath.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "agents/kernel/bpf_map.h"
#include "agents/kernel/bpf_program.h"
#include "agents/kernel/kernel_error.h"
#include "blackstart_traffic.skel.h"

namespace blackstart {
namespace {

size_t slot(LinkLayer layer, Hook hook) {
  return (layer == LinkLayer::kRaw ? 2 : 0) + (hook == Hook::kEgress ? 1 : 0);
}

std::array<bpf_program*, 4> classifiers(const blackstart_traffic& skeleton) {
  const auto& p = skeleton.progs;
  return {p.blackstart_in, p.blackstart_out, p.blackstart_in3, p.blackstart_out3};
}

std::array<bpf_program*, 4> stubs(const blackstart_traffic& skeleton) {
  const auto& p = skeleton.progs;
  return {p.blackstart_s_in, p.blackstart_sout, p.blackstart_sin3, p.blackstart_sou3};
}

template <typename Key>
Result<> fill_peers(bpf_map* map, const std::vector<PeerEntry>& entries) {
  std::vector<Key> keys(entries.size());
  std::vector<traffic_peer> values(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const PeerEntry& entry = entries[i];
    std::memcpy(keys[i].address, entry.prefix.base.bytes.data(), sizeof(keys[i].address));
    if constexpr (requires { keys[i].length; }) keys[i].length = entry.prefix.length;
    values[i] = {entry.value.bits, entry.value.site, static_cast<uint16_t>(entry.value.self_test), 0};
  }
  return fill_map(map, keys, values);
}

uint32_t counters(const traffic_config& config) {
  return traffic_counter_index(config.sites, config.faults + 1, 0, 0, 0);
}

Result<size_t> possible_cpus() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return fail_errno(-cpus, "count", "possible CPUs");
  return static_cast<size_t>(cpus);
}

traffic_count sum(const traffic_count* per_cpu, size_t cpus) {
  traffic_count out{};
  for (const traffic_count* one = per_cpu; one != per_cpu + cpus; ++one) {
    out.packets += one->packets;
    out.bytes += one->bytes;
    out.last_ns = std::max(out.last_ns, one->last_ns);
    if (one->first_ns != 0 && (out.first_ns == 0 || one->first_ns < out.first_ns))
      out.first_ns = one->first_ns;
  }
  return out;
}

}  // namespace

Datapath::Datapath(blackstart_traffic* skeleton, const traffic_config& config, Entry entry)
    : skeleton_(skeleton), config_(config), entry_(entry) {}

Datapath::~Datapath() {
  blackstart_traffic__destroy(skeleton_);
}

Result<std::unique_ptr<Datapath>> Datapath::make(const Classifier& classifier, const std::string& run,
                                                 Entry entry) {
  auto out = load(classifier, run, entry);
  if (!out) return out;
  if (auto ok = (*out)->fill(classifier); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<std::unique_ptr<Datapath>> Datapath::load(const Classifier& classifier, const std::string& run,
                                                 Entry entry) {
  libbpf_set_print(nullptr);  // what fails is said in the Error
  blackstart_traffic* skeleton = blackstart_traffic__open();
  if (!skeleton) return kernel_refused(errno, "open", "packet classifier");
  std::unique_ptr<Datapath> out(new Datapath(skeleton, classifier.config, entry));

  // libbpf maps .rodata writable until the object is loaded.
  std::memcpy(const_cast<traffic_config*>(const_cast<const traffic_config*>(&skeleton->rodata->config)),
              &classifier.config, sizeof(traffic_config));
  set_size(skeleton->maps.blackstart_v4, classifier.prefixes_v4.size());
  set_size(skeleton->maps.blackstart_v6, classifier.prefixes_v6.size());
  set_size(skeleton->maps.blackstart_x4, classifier.exact_v4.size());
  set_size(skeleton->maps.blackstart_x6, classifier.exact_v6.size());
  set_size(skeleton->maps.blackstart_siev, classifier.sieve.size());
  set_size(skeleton->maps.blackstart_port, classifier.ports.size());
  set_size(skeleton->maps.blackstart_cnt, counters(classifier.config));
  for (bpf_program* stub : stubs(*skeleton)) bpf_program__set_autoload(stub, entry == Entry::kStub);

  if (const int code = blackstart_traffic__load(skeleton); code != 0)
    return kernel_refused(-code, "load", "packet classifier");
  const auto programs = classifiers(*skeleton);
  if (auto ok = identify(skeleton->maps.blackstart_id, run, {programs.begin(), programs.end()}); !ok)
    return tl::unexpected(ok.error());
  if (auto ok = out->link_stubs(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<> Datapath::fill(const Classifier& classifier) const {
  const auto& maps = skeleton_->maps;
  if (auto ok = fill_peers<traffic_prefix_v4>(maps.blackstart_v4, classifier.prefixes_v4); !ok) return ok;
  if (auto ok = fill_peers<traffic_prefix_v6>(maps.blackstart_v6, classifier.prefixes_v6); !ok) return ok;
  if (auto ok = fill_peers<traffic_key_v4>(maps.blackstart_x4, classifier.exact_v4); !ok) return ok;
  if (auto ok = fill_peers<traffic_key_v6>(maps.blackstart_x6, classifier.exact_v6); !ok) return ok;
  std::vector<uint32_t> indices(classifier.sieve.size());
  std::iota(indices.begin(), indices.end(), 0);
  if (auto ok = fill_map(maps.blackstart_siev, indices, classifier.sieve); !ok) return ok;

  std::vector<traffic_port> ports;
  std::vector<uint64_t> bits;
  for (const auto& [port, value] : classifier.ports) {
    ports.push_back(port);
    bits.push_back(value);
  }
  return fill_map(maps.blackstart_port, ports, bits);
}

Result<> Datapath::link_stubs() {
  const int jump = bpf_map__fd(skeleton_->maps.blackstart_jmp);
  const auto programs = classifiers(*skeleton_);
  for (uint32_t i = 0; i < programs.size() && entry_ == Entry::kStub; ++i) {
    const int program = bpf_program__fd(programs[i]);
    if (bpf_map_update_elem(jump, &i, &program, BPF_ANY) != 0)
      return kernel_refused(errno, "fill map", "blackstart_jmp");
  }
  return {};
}

int Datapath::program(LinkLayer layer, Hook hook) const {
  return entry_ == Entry::kDirect ? classifier(layer, hook)
                                  : bpf_program__fd(stubs(*skeleton_)[slot(layer, hook)]);
}

std::string Datapath::program_name(LinkLayer layer, Hook hook) const {
  const auto all = entry_ == Entry::kDirect ? classifiers(*skeleton_) : stubs(*skeleton_);
  return bpf_program__name(all[slot(layer, hook)]);
}

int Datapath::classifier(LinkLayer layer, Hook hook) const {
  return bpf_program__fd(classifiers(*skeleton_)[slot(layer, hook)]);
}

void Datapath::fire(int64_t t0, const Word& word) {
  renew(word);
  store(skeleton_->bss->gate.t0, static_cast<uint64_t>(t0));
}

void Datapath::renew(const Word& word) {
  store(skeleton_->bss->gate.horizon_ns, static_cast<uint64_t>(word.horizon));
  store(skeleton_->bss->gate.lease_end_ns, static_cast<uint64_t>(word.lease_end));
}

void Datapath::set_testing(bool on) {
  store(skeleton_->bss->gate.testing, on);
}

Result<TestCount> Datapath::tested(Hook hook) const {
  const auto cpus = possible_cpus();
  if (!cpus) return tl::unexpected(cpus.error());
  std::vector<traffic_count> per_cpu(*cpus);
  uint64_t packets[2];
  for (const traffic_verdict verdict : {TRAFFIC_DROP, TRAFFIC_PASS}) {
    const uint32_t index =
        traffic_counter_index(config_.sites, config_.faults, 0, static_cast<uint32_t>(hook), verdict);
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.blackstart_cnt), &index, per_cpu.data()) != 0)
      return kernel_refused(errno, "read", "self-test counter");
    packets[verdict] = sum(per_cpu.data(), *cpus).packets;
  }
  return TestCount{packets[TRAFFIC_DROP], packets[TRAFFIC_PASS]};
}

Result<std::vector<traffic_count>> Datapath::counts() const {
  const auto cpus = possible_cpus();
  if (!cpus) return tl::unexpected(cpus.error());
  uint32_t total = counters(config_), next = 0;
  std::vector<uint32_t> keys(total);
  std::vector<traffic_count> per_cpu(total * *cpus);
  const int code = bpf_map_lookup_batch(bpf_map__fd(skeleton_->maps.blackstart_cnt), nullptr, &next,
                                        keys.data(), per_cpu.data(), &total, nullptr);
  if (code != 0 && errno != ENOENT) return kernel_refused(errno, "read", "packet counters");
  std::vector<traffic_count> out(keys.size());
  for (size_t i = 0; i < total; ++i) out[keys[i]] = sum(&per_cpu[i * *cpus], *cpus);
  return out;
}

}  // namespace blackstart
