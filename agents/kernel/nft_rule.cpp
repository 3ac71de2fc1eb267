// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/nft_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <new>

namespace blackstart {
namespace {

constexpr uint32_t kRegister = NFT_REG_1;

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

uint32_t code_of(NftRule::Test test) {
  switch (test) {
    case NftRule::Test::kEqual:
      return NFT_CMP_EQ;
    case NftRule::Test::kNotEqual:
      return NFT_CMP_NEQ;
    case NftRule::Test::kAtLeast:
      return NFT_CMP_GTE;
    case NftRule::Test::kAtMost:
      return NFT_CMP_LTE;
  }
  return NFT_CMP_EQ;
}

}  // namespace

void NftRule::Free::operator()(nftnl_rule* rule) const {
  nftnl_rule_free(rule);
}

NftRule::NftRule(std::string chain) : rule_(nftnl_rule_alloc()) {
  if (!rule_) throw std::bad_alloc();
  nftnl_rule_set_str(get(), NFTNL_RULE_CHAIN, chain.c_str());
}

nftnl_expr* NftRule::add(const char* kind) {
  nftnl_expr* expression = nftnl_expr_alloc(kind);
  if (!expression) throw std::bad_alloc();
  nftnl_rule_add_expr(get(), expression);
  return expression;
}

NftRule& NftRule::meta(uint32_t key) {
  nftnl_expr* expression = add("meta");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, kRegister);
  return *this;
}

NftRule& NftRule::immediate(uint32_t number) {
  nftnl_expr* expression = add("immediate");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, kRegister);
  nftnl_expr_set(expression, NFTNL_EXPR_IMM_DATA, &number, sizeof(number));
  return *this;
}

NftRule& NftRule::number_in_set(uint32_t number, const std::string& set) {
  return immediate(number).in_set(set);
}

NftRule& NftRule::from_loopback() {
  return meta(NFT_META_IIFTYPE).test(Test::kEqual, bytes_of<uint16_t>(ARPHRD_LOOPBACK));
}
NftRule& NftRule::to_loopback() {
  return meta(NFT_META_OIFTYPE).test(Test::kEqual, bytes_of<uint16_t>(ARPHRD_LOOPBACK));
}

NftRule& NftRule::protocol(uint16_t ethertype) {
  return meta(NFT_META_PROTOCOL).test16(Test::kEqual, ethertype);
}
NftRule& NftRule::upper_protocol(uint8_t number) {
  return meta(NFT_META_L4PROTO).test8(Test::kEqual, number);
}

NftRule& NftRule::load(Header header, uint32_t offset, uint32_t length) {
  nftnl_expr* expression = add("payload");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, kRegister);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE,
                     header == Header::kNetwork ? NFT_PAYLOAD_NETWORK_HEADER : NFT_PAYLOAD_TRANSPORT_HEADER);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, length);
  return *this;
}

NftRule& NftRule::load_extension(uint8_t type, uint32_t offset, uint32_t length) {
  nftnl_expr* expression = add("exthdr");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_DREG, kRegister);
  nftnl_expr_set_u8(expression, NFTNL_EXPR_EXTHDR_TYPE, type);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_OFFSET, offset);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_EXTHDR_LEN, length);
  return *this;
}

NftRule& NftRule::mask(std::string_view mask) {
  const std::string none(mask.size(), '\0');
  const auto size = static_cast<uint32_t>(mask.size());
  nftnl_expr* expression = add("bitwise");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, kRegister);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, kRegister);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, size);
  nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_MASK, mask.data(), size);
  nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_XOR, none.data(), size);
  return *this;
}
NftRule& NftRule::mask8(uint8_t bits) {
  return mask(bytes_of(bits));
}
NftRule& NftRule::mask16(uint16_t bits) {
  return mask(bytes_of<uint16_t>(htons(bits)));
}

NftRule& NftRule::test(Test test, std::string_view bytes) {
  nftnl_expr* expression = add("cmp");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, kRegister);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, code_of(test));
  nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, bytes.data(), static_cast<uint32_t>(bytes.size()));
  return *this;
}
NftRule& NftRule::test8(Test what, uint8_t value) {
  return test(what, bytes_of(value));
}
NftRule& NftRule::test16(Test what, uint16_t value) {
  return test(what, bytes_of<uint16_t>(htons(value)));
}

NftRule& NftRule::in_set(const std::string& set) {
  nftnl_expr* expression = add("lookup");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, kRegister);
  nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, set.c_str());
  return *this;
}

NftRule& NftRule::count() {
  add("counter");
  return *this;
}

NftRule& NftRule::note(uint32_t number, const std::string& set, uint64_t timeout_ms, bool again) {
  immediate(number);
  nftnl_expr* expression = add("dynset");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SREG_KEY, kRegister);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_OP, again ? NFT_DYNSET_OP_UPDATE : NFT_DYNSET_OP_ADD);
  nftnl_expr_set_u64(expression, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
  nftnl_expr_set_str(expression, NFTNL_EXPR_DYNSET_SET_NAME, set.c_str());
  return *this;
}

NftRule& NftRule::verdict(int code, const std::string& chain) {
  nftnl_expr* expression = add("immediate");
  nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(code));
  if (!chain.empty()) nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, chain.c_str());
  return *this;
}
NftRule& NftRule::jump(const std::string& chain) {
  return verdict(NFT_JUMP, chain);
}
NftRule& NftRule::leave() {
  return verdict(NFT_RETURN, "");
}

NftRule& NftRule::accept() {
  return verdict(NF_ACCEPT, "");
}
NftRule& NftRule::drop() {
  return verdict(NF_DROP, "");
}

// To no interface: what cannot be forwarded is freed, and the sender's stack takes it for sent.
NftRule& NftRule::vanish() {
  immediate(0);
  nftnl_expr_set_u32(add("fwd"), NFTNL_EXPR_FWD_SREG_DEV, kRegister);
  return *this;
}

NftRule& NftRule::reject(Answer answer) {
  nftnl_expr* expression = add("reject");
  const bool reset = answer == Answer::kReset;
  nftnl_expr_set_u32(expression, NFTNL_EXPR_REJECT_TYPE,
                     reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
  const uint8_t code = answer == Answer::kProhibited        ? NFT_REJECT_ICMPX_ADMIN_PROHIBITED
                       : answer == Answer::kHostUnreachable ? NFT_REJECT_ICMPX_HOST_UNREACH
                                                            : NFT_REJECT_ICMPX_PORT_UNREACH;
  nftnl_expr_set_u8(expression, NFTNL_EXPR_REJECT_CODE, code);
  return *this;
}

}  // namespace blackstart
