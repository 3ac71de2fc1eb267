// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/ad_hoc.h"

namespace blackstart::cli {

void declare_blackhole(po::options_description& options) {
  auto add = options.add_options();
  add("host", "the name is a host, not a site");
  add("direction", po::value<std::string>()->default_value("both")->value_name("both|in|out"),
      "seen from the site");
  add("manner",
      po::value<std::string>()->default_value("silent")->value_name("silent|reset|unreachable|deny"),
      "how it shows to a victim");
  add("except", po::value<std::vector<std::string>>()->composing()->value_name("NAME"),
      "a host, service, site or prefix that stays reachable");
  declare_ad_hoc(options);
}

int run_blackhole(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) return usage_error("blackhole", "expected one site");
  const auto& options = invocation.options;
  const std::string& site = invocation.arguments[0];
  std::string fault = "fault: site-blackhole, " + std::string(options.count("host") ? "host: " : "site: ") +
                      quoted(site) + ", direction: " + quoted(options["direction"].as<std::string>()) +
                      ", manner: " + quoted(options["manner"].as<std::string>());
  if (options.count("except"))
    fault += ", except: " + quoted(options["except"].as<std::vector<std::string>>());
  return run_ad_hoc(
      {"ad-hoc-blackhole",
       "Everything to and from " + site + " disappears for " + options["for"].as<std::string>() + ".",
       fault,
       {}},
      invocation);
}

}  // namespace blackstart::cli
