// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/dns_check.h"

#include <arpa/nameser.h>

#include <array>
#include <utility>

namespace blackstart {
namespace {

struct Record {
  std::string_view name;
  int type;
};
constexpr std::array<Record, 8> kRecords{{{"A", ns_t_a},
                                          {"AAAA", ns_t_aaaa},
                                          {"CNAME", ns_t_cname},
                                          {"MX", ns_t_mx},
                                          {"NS", ns_t_ns},
                                          {"PTR", ns_t_ptr},
                                          {"SRV", ns_t_srv},
                                          {"TXT", ns_t_txt}}};

std::optional<int> record_type(const std::string& name) {
  if (name.empty()) return ns_t_a;
  for (const Record& record : kRecords)
    if (record.name == name) return record.type;
  return std::nullopt;
}

class DnsCheck final : public Check {
 public:
  DnsCheck(const contract::DnsCheck& dns, CheckContext& context, Report report) : report_(std::move(report)) {
    const auto server = dns.server().empty() ? context.name_server : NameServer::parse(dns.server());
    auto query = NameQuery::make(context.loop, server);
    if (!query) {
      report_(missed(query.error().message()));
      return;
    }
    query_ = std::move(*query);
    query_->records(dns.name(), *record_type(dns.record()),
                    [this, one = server.has_value()](int status, const std::vector<Address>&) {
                      report_(judge(status, one));
                    });
  }
  std::string_view doing() const override { return "waiting for the name server"; }

 private:
  static Finding judge(int status, bool one_server) {
    if (status == ARES_SUCCESS) return success();
    if (status == ARES_ETIMEOUT) return failure("timeout", name_failure(status));
    // From one server, c-ares says so of a network error only.
    if (status == ARES_ECONNREFUSED && one_server) return failure("unreachable");
    return failure("resolve", name_failure(status));
  }

  Report report_;
  std::unique_ptr<NameQuery> query_;
};

}  // namespace

Result<> validate_dns(const contract::Probe& probe) {
  const contract::DnsCheck& dns = probe.dns();
  const std::string operation = "start probe " + probe.name();
  if (dns.name().empty() || dns.name().size() > 253)
    return fail(ErrorKind::kInvalid, operation, "dns", 0, "a name of 1 to 253 characters is needed");
  if (!record_type(dns.record()))
    return fail(ErrorKind::kInvalid, operation, dns.record(), 0,
                "A, AAAA, CNAME, MX, NS, PTR, SRV or TXT is possible");
  if (!dns.server().empty() && !NameServer::parse(dns.server()))
    return fail(ErrorKind::kInvalid, operation, dns.server(), 0, "a server is an address, or address:port");
  return {};
}

std::unique_ptr<Check> begin_dns(const contract::Probe& probe, CheckContext& context, Report report) {
  return std::make_unique<DnsCheck>(probe.dns(), context, std::move(report));
}

}  // namespace blackstart
