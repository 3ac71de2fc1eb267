// SPDX-License-Identifier: Apache-2.0
// What every loader of BPF objects does with their maps.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/kernel_error.h"

namespace blackstart {

// Before it is loaded; a map without entries is not allowed.
inline void set_size(bpf_map* map, size_t entries) {
  bpf_map__set_max_entries(map, static_cast<uint32_t>(std::max<size_t>(entries, 1)));
}

// In one call; as many values as keys.
template <typename Key, typename Value>
Result<> fill_map(bpf_map* map, const std::vector<Key>& keys, const std::vector<Value>& values) {
  if (keys.empty()) return {};
  auto count = static_cast<uint32_t>(keys.size());
  if (bpf_map_update_batch(bpf_map__fd(map), keys.data(), values.data(), &count, nullptr) != 0)
    return kernel_refused(errno, "fill map", bpf_map__name(map));
  return {};
}

// A 64-bit store into memory shared with a program, which other CPUs see whole.
inline void store(volatile __u64& word, uint64_t value) {
  std::atomic_ref(const_cast<__u64&>(word)).store(value, std::memory_order_release);
}

}  // namespace blackstart
