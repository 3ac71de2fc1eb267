// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/nft_ruleset.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <map>
#include <utility>

#include "agents/kernel/digest.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/netlink.h"

namespace blackstart {
namespace {

using Key = std::pair<uint8_t, std::string>;  // family and name

std::string family_name(uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_NETDEV:
      return "netdev";
    default:
      return std::to_string(family);
  }
}

std::string_view payload(const nlattr* attribute) {
  return {static_cast<const char*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
}

// Of the attributes named, in the order they stand.
template <typename From>
uint64_t digest_of(const From& each_of, std::initializer_list<uint16_t> named) {
  uint64_t out = 0;
  each_of([&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (std::find(named.begin(), named.end(), type) == named.end()) return;
    out = digest_after(digest_after(out, type), digest(payload(attribute)));
  });
  return out;
}

// What a packet is asked and what happens to it; not how many there were.
uint64_t digest_of_expression(const nlattr* expression) {
  bool counts = false;
  each_attribute(expression, [&](const nlattr* part) {
    if (mnl_attr_get_type(part) != NFTA_EXPR_NAME) return;
    const std::string_view name = mnl_attr_get_str(part);
    counts = name == "counter" || name == "quota" || name == "last";
  });
  const auto parts = [&](const EachAttribute& each) { each_attribute(expression, each); };
  return counts ? digest_of(parts, {NFTA_EXPR_NAME}) : digest_of(parts, {NFTA_EXPR_NAME, NFTA_EXPR_DATA});
}

class Reader {
 public:
  explicit Reader(Netlink socket) : socket_(std::move(socket)) {}

  int read(NftContent content) {
    const auto of_table = [&](const nlmsghdr* answer, const auto& parts) {
      NftTableFound& table = tables_[order_.emplace_back(key_of(answer, NFTA_TABLE_NAME))];
      table.family = family_name(order_.back().first);
      table.name = order_.back().second;
      each_attribute(answer, sizeof(nfgenmsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NFTA_TABLE_OWNER)
          table.owner = ntohl(mnl_attr_get_u32(attribute));
      });
      table.digest = digest_of(parts, {NFTA_TABLE_FLAGS, NFTA_TABLE_USERDATA});
    };
    if (const int code = dump(NFT_MSG_GETTABLE, of_table); code != 0 || content == NftContent::kNone)
      return code;
    for (const auto step : {&Reader::read_chains, &Reader::read_rules, &Reader::read_sets,
                            &Reader::read_others, &Reader::read_elements})
      if (const int code = (this->*step)(); code != 0) return code;
    return 0;
  }

  [[nodiscard]] std::vector<NftTableFound> tables() const {
    std::vector<NftTableFound> out;
    for (const Key& key : order_) out.push_back(tables_.at(key));
    return out;
  }

 private:
  struct Set {
    Key table;
    std::string name;
  };

  static Key key_of(const nlmsghdr* answer, uint16_t name_attribute) {
    Key key{static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(answer))->nfgen_family, ""};
    each_attribute(answer, sizeof(nfgenmsg), [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == name_attribute) key.second = mnl_attr_get_str(attribute);
    });
    return key;
  }

  // Hands every answer over, with a way to visit its attributes.
  template <typename Visit>
  int dump(uint16_t question, const Visit& visit) {
    NetlinkBuffer buffer = netlink_buffer();
    nlmsghdr* message = nftnl_nlmsg_build_hdr(buffer.data(), question, NFPROTO_UNSPEC, NLM_F_DUMP, 0);
    return ask(message, visit);
  }
  template <typename Visit>
  int ask(nlmsghdr* message, const Visit& visit) {
    const int code = socket_.ask(message, [&](const nlmsghdr* answer) {
      if (answer->nlmsg_type < NLMSG_MIN_TYPE) return;
      visit(answer, [&](const EachAttribute& each) { each_attribute(answer, sizeof(nfgenmsg), each); });
    });
    return code == EOPNOTSUPP || code == EINVAL ? 0 : code;  // the kernel has none of these
  }

  void mix(const Key& table, uint64_t part) {
    tables_[table].digest = digest_after(tables_[table].digest, part);
  }

  int read_chains() {
    return dump(NFT_MSG_GETCHAIN, [&](const nlmsghdr* answer, const auto& parts) {
      const Key table = key_of(answer, NFTA_CHAIN_TABLE);
      ++tables_[table].chains;
      mix(table, digest_of(parts, {NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
                                   NFTA_CHAIN_FLAGS}));
    });
  }
  int read_rules() {
    return dump(NFT_MSG_GETRULE, [&](const nlmsghdr* answer, const auto& parts) {
      const Key table = key_of(answer, NFTA_RULE_TABLE);
      ++tables_[table].rules;
      mix(table, digest_of(parts, {NFTA_RULE_CHAIN, NFTA_RULE_COMPAT, NFTA_RULE_USERDATA}));
      parts([&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NFTA_RULE_EXPRESSIONS)
          each_attribute(attribute,
                         [&](const nlattr* expression) { mix(table, digest_of_expression(expression)); });
      });
    });
  }
  int read_sets() {
    return dump(NFT_MSG_GETSET, [&](const nlmsghdr* answer, const auto& parts) {
      const Key table = key_of(answer, NFTA_SET_TABLE);
      ++tables_[table].sets;
      mix(table, digest_of(parts, {NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN,
                                   NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN, NFTA_SET_TIMEOUT}));
      uint32_t flags = 0;
      parts([&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NFTA_SET_FLAGS) flags = ntohl(mnl_attr_get_u32(attribute));
      });
      // The elements of the others come and go with packets and with time.
      if ((flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT)) == 0)
        sets_.push_back({table, key_of(answer, NFTA_SET_NAME).second});
    });
  }
  int read_others() {
    const int code = dump(NFT_MSG_GETOBJ, [&](const nlmsghdr* answer, const auto& parts) {
      mix(key_of(answer, NFTA_OBJ_TABLE), digest_of(parts, {NFTA_OBJ_NAME, NFTA_OBJ_TYPE}));
    });
    if (code != 0) return code;
    return dump(NFT_MSG_GETFLOWTABLE, [&](const nlmsghdr* answer, const auto& parts) {
      mix(key_of(answer, NFTA_FLOWTABLE_TABLE), digest_of(parts, {NFTA_FLOWTABLE_NAME, NFTA_FLOWTABLE_HOOK}));
    });
  }
  int read_elements() {
    for (const Set& set : sets_) {
      NetlinkBuffer buffer = netlink_buffer();
      nlmsghdr* message =
          nftnl_nlmsg_build_hdr(buffer.data(), NFT_MSG_GETSETELEM, set.table.first, NLM_F_DUMP, 0);
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, set.table.second.c_str());
      mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.name.c_str());
      uint64_t sum = 0;  // a hash table lists its elements in no order
      const int code = ask(message, [&](const nlmsghdr*, const auto& parts) {
        parts([&](const nlattr* attribute) {
          if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) return;
          each_attribute(attribute, [&](const nlattr* element) {
            sum += digest_of(
                [&](const EachAttribute& each) { each_attribute(element, each); },
                {NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_FLAGS});
          });
        });
      });
      if (code != 0) return code;
      mix(set.table, sum);
    }
    return 0;
  }

  Netlink socket_;
  std::vector<Key> order_;
  std::map<Key, NftTableFound> tables_;
  std::vector<Set> sets_;
};

}  // namespace

Result<std::vector<NftTableFound>> nft_ruleset(NftContent content) {
  auto socket = Netlink::make(NETLINK_NETFILTER);
  if (!socket) return tl::unexpected(socket.error());
  Reader reader(std::move(*socket));
  const int code = reader.read(content);
  if (code == ENOENT) return fail_errno(EINTR, "list", "nftables tables");  // a set went meanwhile
  if (code != 0) return kernel_refused(code, "list", "nftables tables");
  return reader.tables();
}

}  // namespace blackstart
