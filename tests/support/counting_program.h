// SPDX-License-Identifier: Apache-2.0
// A packet program that counts what it sees and lets everything pass, for standing where somebody
// else's program would.
#pragma once

#include <bpf/bpf.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "agents/kernel/fd.h"

namespace blackstart::test {

class CountingProgram {
 public:
  explicit CountingProgram(const std::string& name) {
    map_ = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, name.c_str(), 4, 8, 1, nullptr));
    const std::array<bpf_insn, 11> code{{
        {BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0},            // key = 0
        {BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0},  //
        {BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4},          //
        {BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_.get()},
        {0, 0, 0, 0, 0},                                                    //
        {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem},            //
        {BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0},                    // not there: go on
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1},                  //
        {BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD},  // ++*value
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -1},                 // whoever comes next decides
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    program_ =
        Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name.c_str(), "GPL", code.data(), code.size(), nullptr));
    if (!program_.valid()) throw std::runtime_error("load " + name);
  }

  [[nodiscard]] int fd() const { return program_.get(); }
  [[nodiscard]] uint64_t packets() const {
    uint64_t count = 0;
    const uint32_t key = 0;
    bpf_map_lookup_elem(map_.get(), &key, &count);
    return count;
  }

 private:
  Fd map_, program_;
};

}  // namespace blackstart::test
