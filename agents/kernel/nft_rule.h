// SPDX-License-Identifier: Apache-2.0
// One nftables rule, written expression by expression in the order they are evaluated. Loads go to
// the one register that the next test reads. Needs no kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct nftnl_rule;
struct nftnl_expr;

namespace blackstart {

class NftRule {
 public:
  explicit NftRule(std::string chain);

  enum class Header { kNetwork, kTransport };
  enum class Test { kEqual, kNotEqual, kAtLeast, kAtMost };

  // Only if the number is in the set, whose keys are numbers.
  NftRule& number_in_set(uint32_t number, const std::string& set);

  // Tests of one packet property; values in network byte order as bytes.
  NftRule& from_loopback();
  NftRule& to_loopback();
  NftRule& protocol(uint16_t ethertype);
  NftRule& upper_protocol(uint8_t number);
  NftRule& load(Header header, uint32_t offset, uint32_t length);
  NftRule& load_extension(uint8_t type, uint32_t offset, uint32_t length);
  NftRule& mask8(uint8_t mask);
  NftRule& mask16(uint16_t mask);
  NftRule& test(Test test, std::string_view bytes);
  NftRule& test8(Test test, uint8_t value);
  NftRule& test16(Test test, uint16_t value);
  NftRule& in_set(const std::string& set);

  // What happens to a packet that came so far.
  NftRule& count();
  // Adds the number to a dynamic set for so long; of one that is there, `again` starts its time anew.
  NftRule& note(uint32_t number, const std::string& set, uint64_t timeout_ms, bool again);
  NftRule& jump(const std::string& chain);
  NftRule& leave();   // back to the calling chain
  NftRule& accept();  // this table has nothing against it
  NftRule& drop();    // on the way out the sender is told
  // Ends the packet so that nobody hears of it. Chains of a device only.
  NftRule& vanish();
  enum class Answer { kReset, kPortUnreachable, kHostUnreachable, kProhibited };
  NftRule& reject(Answer answer);

  [[nodiscard]] nftnl_rule* get() const { return rule_.get(); }

 private:
  struct Free {
    void operator()(nftnl_rule* rule) const;
  };
  nftnl_expr* add(const char* kind);
  NftRule& meta(uint32_t key);
  NftRule& immediate(uint32_t number);
  NftRule& mask(std::string_view mask);
  NftRule& verdict(int code, const std::string& chain);

  std::unique_ptr<nftnl_rule, Free> rule_;
};

}  // namespace blackstart
