// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/nft_table.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

// How nft(8) calls the key types, so that it can list the sets.
constexpr uint32_t kTypeIpv4 = 7;
constexpr uint32_t kTypeIpv6 = 8;
constexpr uint32_t kTypeMark = 19;
// Elements of a set that fit one message.
constexpr size_t kElementsPerMessage = 400;

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Owned<nftnl_table> table_named(const std::string& name, uint16_t family) {
  Owned<nftnl_table> table(nftnl_table_alloc(), [](nftnl_table* t) { nftnl_table_free(t); });
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FAMILY, family);
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name.c_str());
  return table;
}

Owned<nftnl_chain> chain_named(const std::string& table, const std::string& name) {
  Owned<nftnl_chain> chain(nftnl_chain_alloc(), [](nftnl_chain* c) { nftnl_chain_free(c); });
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, name.c_str());
  return chain;
}

Owned<nftnl_set> set_named(const std::string& table, const std::string& name, uint32_t id = 0) {
  Owned<nftnl_set> set(nftnl_set_alloc(), [](nftnl_set* s) { nftnl_set_free(s); });
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.c_str());
  if (id != 0) nftnl_set_set_u32(set.get(), NFTNL_SET_ID, id);
  return set;
}

void add_element(nftnl_set* set, const Address& address, uint32_t flags) {
  nftnl_set_elem* element = nftnl_set_elem_alloc();
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, address.bytes.data(),
                     static_cast<uint32_t>(address.size()));
  if (flags != 0) nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
  nftnl_set_elem_add(set, element);
}

// Nothing behind the last address there is.
std::optional<Address> after(Address address) {
  for (int i = address.size() - 1; i >= 0; --i)
    if (++address.bytes[static_cast<size_t>(i)] != 0) return address;
  return std::nullopt;
}

}  // namespace

void NftTable::append(uint16_t type, uint16_t flags, const std::function<void(nlmsghdr*)>& build) {
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = nftnl_nlmsg_build_hdr(buffer.data(), type, family_, flags, socket_.next_sequence());
  build(message);
  pending_.insert(pending_.end(), buffer.data(), buffer.data() + message->nlmsg_len);
}

NftTable::NftTable(Netlink socket, std::string name, Family family)
    : socket_(std::move(socket)),
      name_(std::move(name)),
      family_(family == Family::kNetdev ? NFPROTO_NETDEV : NFPROTO_INET) {}

Result<NftTable> NftTable::make(const std::string& name, Family family) {
  auto socket = Netlink::make(NETLINK_NETFILTER);
  if (!socket) return tl::unexpected(socket.error());
  NftTable out(std::move(*socket), name, family);
  const auto table = table_named(name, out.family_);
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  out.append(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL,
             [&](nlmsghdr* message) { nftnl_table_nlmsg_build_payload(message, table.get()); });
  if (auto ok = out.commit(); !ok) return tl::unexpected(ok.error());
  out.exists_ = true;
  return out;
}

void NftTable::add_base(const std::string& name, uint32_t hook, int priority, const std::string& device) {
  const auto chain = chain_named(name_, name);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "filter");
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, hook);
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, priority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  if (!device.empty()) nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_DEV, device.c_str());
  append(NFT_MSG_NEWCHAIN, NLM_F_CREATE,
         [&](nlmsghdr* message) { nftnl_chain_nlmsg_build_payload(message, chain.get()); });
}

void NftTable::add_device_chain(const std::string& chain, const std::string& device, Hook hook,
                                int priority) {
  add_base(chain, hook == Hook::kIngress ? NF_NETDEV_INGRESS : NF_NETDEV_EGRESS, priority, device);
}

void NftTable::add_base_chain(const std::string& chain, Place place, int priority) {
  add_base(chain,
           place == Place::kInput     ? NF_INET_LOCAL_IN
           : place == Place::kForward ? NF_INET_FORWARD
                                      : NF_INET_LOCAL_OUT,
           priority, "");
}

void NftTable::add_chain(const std::string& name) {
  const auto chain = chain_named(name_, name);
  append(NFT_MSG_NEWCHAIN, NLM_F_CREATE,
         [&](nlmsghdr* message) { nftnl_chain_nlmsg_build_payload(message, chain.get()); });
}

void NftTable::add_set(const std::string& name, bool v6, const std::vector<Range>& ranges) {
  const uint32_t id = ++sets_;
  {
    const auto set = set_named(name_, name, id);
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, v6 ? kTypeIpv6 : kTypeIpv4);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, v6 ? 16 : 4);
    append(NFT_MSG_NEWSET, NLM_F_CREATE,
           [&](nlmsghdr* message) { nftnl_set_nlmsg_build_payload(message, set.get()); });
  }
  for (size_t from = 0; from < ranges.size(); from += kElementsPerMessage / 2) {
    const auto set = set_named(name_, name, id);
    const size_t until = std::min(from + kElementsPerMessage / 2, ranges.size());
    for (size_t i = from; i < until; ++i) {
      add_element(set.get(), ranges[i].first, 0);
      if (const auto end = after(ranges[i].last)) add_element(set.get(), *end, NFT_SET_ELEM_INTERVAL_END);
    }
    append(NFT_MSG_NEWSETELEM, NLM_F_CREATE,
           [&](nlmsghdr* message) { nftnl_set_elems_nlmsg_build_payload(message, set.get()); });
  }
}

void NftTable::add_timed_set(const std::string& name, bool by_rules) {
  const auto set = set_named(name_, name, ++sets_);
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS,
                    static_cast<uint32_t>(NFT_SET_TIMEOUT | (by_rules ? NFT_SET_EVAL : 0)));
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, kTypeMark);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, sizeof(uint32_t));
  append(NFT_MSG_NEWSET, NLM_F_CREATE,
         [&](nlmsghdr* message) { nftnl_set_nlmsg_build_payload(message, set.get()); });
}

void NftTable::change(uint16_t type, const std::string& name, uint32_t number, uint64_t timeout_ms) {
  const auto set = set_named(name_, name);
  nftnl_set_elem* element = nftnl_set_elem_alloc();
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &number, sizeof(number));
  if (timeout_ms != 0) nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT, timeout_ms);
  nftnl_set_elem_add(set.get(), element);
  append(type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
         [&](nlmsghdr* message) { nftnl_set_elems_nlmsg_build_payload(message, set.get()); });
}
void NftTable::put(const std::string& set, uint32_t number, uint64_t timeout_ms) {
  change(NFT_MSG_NEWSETELEM, set, number, std::max<uint64_t>(timeout_ms, 1));  // 0 would be for ever
}
void NftTable::remove(const std::string& set, uint32_t number) {
  change(NFT_MSG_DELSETELEM, set, number, 0);
}

void NftTable::add_rule(const NftRule& rule) {
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, name_.c_str());
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, family_);
  append(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
         [&](nlmsghdr* message) { nftnl_rule_nlmsg_build_payload(message, rule.get()); });
}

Result<> NftTable::commit() {
  if (pending_.empty()) return {};
  std::vector<char> batch;
  const auto mark = [&](auto* build) {
    char buffer[256];
    const nlmsghdr* message = build(buffer, socket_.next_sequence());
    batch.insert(batch.end(), buffer, buffer + message->nlmsg_len);
  };
  // The kernel answers each message it refuses, and the last one in any case.
  size_t last = 0;
  for (size_t at = 0; at < pending_.size();) {
    last = at;
    nlmsghdr header;
    std::memcpy(&header, pending_.data() + at, sizeof(header));
    at += header.nlmsg_len;
  }
  reinterpret_cast<nlmsghdr*>(pending_.data() + last)->nlmsg_flags |= NLM_F_ACK;
  mark(nftnl_batch_begin);
  batch.insert(batch.end(), pending_.begin(), pending_.end());
  mark(nftnl_batch_end);
  pending_.clear();

  const int room = static_cast<int>(batch.size()) * 2;
  if (::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0)
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
  if (const int code = socket_.ask_batch(batch.data(), batch.size(), 1); code != 0)
    return kernel_refused(
        code, "change nftables table", name_,
        code == EOPNOTSUPP || code == ENOENT
            ? std::string("the kernel needs nf_tables with ") +
                  (family_ == NFPROTO_NETDEV ? "netdev support" : "inet support and nft_reject")
            : "");
  return {};
}

Result<std::map<std::string, std::vector<NftTable::Count>>> NftTable::counts() {
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETRULE, family_, NLM_F_DUMP, 0);
  mnl_attr_put_strz(message, NFTA_RULE_TABLE, name_.c_str());
  std::map<std::string, std::vector<Count>> out;
  const int code = socket_.ask(message, [&](const nlmsghdr* answer) {
    Owned<nftnl_rule> rule(nftnl_rule_alloc(), [](nftnl_rule* r) { nftnl_rule_free(r); });
    if (nftnl_rule_nlmsg_parse(answer, rule.get()) != 0) return;
    if (name_ != nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE)) return;
    Owned<nftnl_expr_iter> each(nftnl_expr_iter_create(rule.get()), nftnl_expr_iter_destroy);
    while (nftnl_expr* expression = nftnl_expr_iter_next(each.get()))
      if (std::strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "counter") == 0)
        out[nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN)].push_back(
            {nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS),
             nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES)});
  });
  if (code != 0) return kernel_refused(code, "read counters of nftables table", name_);
  return out;
}

Result<std::map<uint32_t, uint64_t>> NftTable::numbers(const std::string& name) {
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETSETELEM, family_, NLM_F_DUMP, 0);
  nftnl_set_elems_nlmsg_build_payload(message, set_named(name_, name).get());
  std::map<uint32_t, uint64_t> out;
  const int code = socket_.ask(message, [&](const nlmsghdr* answer) {
    const auto set = set_named(name_, name);
    if (nftnl_set_elems_nlmsg_parse(answer, set.get()) != 0) return;
    Owned<nftnl_set_elems_iter> each(nftnl_set_elems_iter_create(set.get()), nftnl_set_elems_iter_destroy);
    while (nftnl_set_elem* element = nftnl_set_elems_iter_next(each.get())) {
      uint32_t size = 0, number = 0;
      const void* key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
      if (key == nullptr || size != sizeof(number)) continue;
      std::memcpy(&number, key, sizeof(number));
      out[number] = nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_EXPIRATION);
    }
  });
  if (code != 0) return kernel_refused(code, "read set " + name + " of nftables table", name_);
  return out;
}

Result<> NftTable::revert() {
  if (!exists_) return {};
  const auto table = table_named(name_, family_);
  pending_.clear();
  append(NFT_MSG_DELTABLE, 0,
         [&](nlmsghdr* message) { nftnl_table_nlmsg_build_payload(message, table.get()); });
  if (auto ok = commit(); !ok && ok.error().code != ENOENT) {
    ok.error().kind = ErrorKind::kStranded;
    return ok;
  }
  exists_ = false;
  return {};
}

}  // namespace blackstart
