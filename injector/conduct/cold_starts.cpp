// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/cold_starts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

namespace blackstart {
namespace {

using contract::ColdStartReport;

constexpr Duration kLookBack = std::chrono::seconds(4);  // what the checks said until it came to its end

const char* state_name(ColdStartReport::State state) {
  switch (state) {
    case ColdStartReport::STARTING:
      return "starting";
    case ColdStartReport::READY:
      return "ready";
    case ColdStartReport::DIED:
      return "died";
    case ColdStartReport::LATE:
      return "late";
    case ColdStartReport::NOT_STARTED:
      return "not-started";
    default:
      return "waiting";
  }
}

const ColdStartReport* report_of(const PlanColdStart& planned, const Reports& reports) {
  const auto host = reports.find(planned.host);
  if (host == reports.end()) return nullptr;
  for (const ColdStartReport& each : host->second.cold_starts())
    if (each.id() == planned.id) return &each;
  return nullptr;
}

// Nearest first, each once, without itself.
std::vector<std::string> needs_of(const Topology& topology, const std::string& service) {
  std::vector<std::string> order{service};
  std::set<std::string> known{service};
  for (size_t i = 0; i < order.size(); ++i)
    if (const auto found = topology.services.find(order[i]); found != topology.services.end())
      for (const Need& need : found->second.needs)
        if (known.insert(need.service).second) order.push_back(need.service);
  order.erase(order.begin());
  return order;
}

// As a word of its own: "db" is not in "dbus", nor 198.18.1.1 in 198.18.1.11. Where a port follows it, it has
// to be this one.
bool names(const std::string& text, const std::string& word, std::optional<uint16_t> port = std::nullopt) {
  const auto digit = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  const auto part_of_word = [&](size_t at) {
    return at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '-' || text[at] == '_');
  };
  if (word.empty()) return false;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at != 0 && part_of_word(at - 1)) || part_of_word(end)) continue;
    if (end < text.size() && text[end] == ']') ++end;  // of a bracketed address
    if (!port || end >= text.size() || text[end] != ':' || !digit(end + 1)) return true;
    if (std::strtoul(text.c_str() + end + 1, nullptr, 10) == *port) return true;
  }
  return false;
}

bool named_in(const Topology& topology, const Service& service, const std::string& words) {
  if (names(words, service.name)) return true;
  for (const Instance& instance : service.instances) {
    if (names(words, instance.host, instance.port)) return true;
    const auto host = topology.hosts.find(instance.host);
    if (host == topology.hosts.end()) continue;
    for (const Address& address : host->second.addresses)
      if (names(words, address.text(), instance.port)) return true;
  }
  return std::any_of(service.endpoints.begin(), service.endpoints.end(), [&](const Endpoint& endpoint) {
    if (names(words, endpoint.name, endpoint.port)) return true;
    const auto addresses = topology.resolve(endpoint.name);
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const Address& address) { return names(words, address.text(), endpoint.port); });
  });
}

// What C libraries, curl, Go, Node and resolvers say of a name that nobody could resolve.
bool speaks_of_resolving(std::string words) {
  static constexpr std::array kSayings{
      "resolving",    "resolve host", "resolve hostname", "resolution", "name or service not known",
      "no such host", "getaddrinfo",  "nxdomain",         "servfail",   "no servers could be reached"};
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  return std::any_of(kSayings.begin(), kSayings.end(),
                     [&](const char* saying) { return words.find(saying) != std::string::npos; });
}

bool serves_names(const Service& service) {
  return service.role == "dns" || service.role.ends_with("/dns") ||
         std::holds_alternative<ServiceCheck::Dns>(service.check.how);
}

// The only site it has instances or endpoints in; "": there are several, or nobody knows.
std::string only_site(const Topology& topology, const Service& service) {
  std::set<std::string> sites;
  for (const Instance& instance : service.instances)
    if (const auto host = topology.hosts.find(instance.host); host != topology.hosts.end())
      sites.insert(host->second.site);
  for (const Endpoint& endpoint : service.endpoints)
    for (const Address& address : topology.resolve(endpoint.name))
      if (const Site* site = topology.site_of(address)) sites.insert(site->name);
  return sites.size() == 1 ? *sites.begin() : "";
}

}  // namespace

std::string died_for(const Topology& topology, const std::string& service, const std::string& last_words,
                     const ImpactWatch& impact, UnixNs at) {
  const std::vector<std::string> needs = needs_of(topology, service);
  const auto down = [&](const std::string& need) {
    return at != 0 && impact.observed(need, at - kLookBack.count(), at) == Impact::kDown;
  };
  if (speaks_of_resolving(last_words))
    for (const auto& [name, other] : topology.services)
      if (name != service && serves_names(other) && down(name)) return name;
  for (const std::string& need : needs)
    if (const auto found = topology.services.find(need);
        found != topology.services.end() && named_in(topology, found->second, last_words))
      return need;
  for (const auto& [name, other] : topology.services)  // a need nobody declared
    if (name != service && named_in(topology, other, last_words)) return name;
  const auto blamed = std::find_if(needs.begin(), needs.end(), down);
  return blamed == needs.end() ? "" : *blamed;
}

void fill_cold_starts(const Plan& plan, const Topology& topology, const Reports& reports,
                      const ImpactWatch& impact, Outcome& outcome) {
  for (const PlanColdStart& planned : plan.cold_starts) {
    OutcomeColdStart out;
    out.id = planned.id;
    out.service = planned.service;
    out.host = planned.host;
    out.site = planned.site;
    out.state = state_name(ColdStartReport::WAITING);
    if (const ColdStartReport* report = report_of(planned, reports)) {
      out.state = state_name(report->state());
      out.last_words = report->last_words();
      if (report->started_unix_ns() != 0) out.at = from_zero(outcome, report->started_unix_ns());
      if (report->started_unix_ns() != 0 && report->settled_unix_ns() != 0)
        out.took = Duration(report->settled_unix_ns() - report->started_unix_ns());
      if (report->state() == ColdStartReport::DIED || report->state() == ColdStartReport::LATE)
        out.died_for = died_for(topology, out.service, out.last_words, impact, report->settled_unix_ns());
    }
    if (const auto need = topology.services.find(out.died_for); need != topology.services.end())
      if (const std::string site = only_site(topology, need->second); !site.empty())
        outcome.single_site.push_back({out.service, out.died_for, site, "cold_start"});
    outcome.cold_starts.push_back(std::move(out));
  }
}

bool cold_starts_under_way(const Plan& plan, const Reports& reports, Duration horizon) {
  return std::any_of(plan.cold_starts.begin(), plan.cold_starts.end(), [&](const PlanColdStart& planned) {
    if (planned.at >= horizon) return false;
    const ColdStartReport* report = report_of(planned, reports);
    return !report || report->state() == ColdStartReport::WAITING ||
           report->state() == ColdStartReport::STARTING;
  });
}

}  // namespace blackstart
