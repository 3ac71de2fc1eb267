// SPDX-License-Identifier: Apache-2.0
// http and tcp probes. Names are resolved by NameQuery, since libcurl's own resolver is a thread per
// name that outlives its transfer while DNS hangs; the addresses go to libcurl, which tries v6 and v4
// side by side and gives each a share of the time.
#pragma once

#include "agents/probes/check.h"

namespace blackstart {

struct WebRequest {
  std::string url;       // a valid one
  size_t most_body = 0;  // bytes read of the answer's body; the rest is left, and no failure
  bool keep_body = false;
  std::string ca;         // PEM file of who may have signed the certificate; "": whom the host trusts
  bool insecure = false;  // any certificate will do
  // Of an answer, with as much of its body as was kept. None: a connection is enough.
  std::function<Finding(long status, const std::string& body)> judge;
};

[[nodiscard]] Result<> validate_url(const contract::Probe& probe, const std::string& url);
std::unique_ptr<Check> begin_web(WebRequest request, int64_t timeout_ns, CheckContext& context,
                                 Report report);

[[nodiscard]] Result<> validate_http(const contract::Probe& probe);
[[nodiscard]] Result<> validate_tcp(const contract::Probe& probe);
std::unique_ptr<Check> begin_http(const contract::Probe& probe, CheckContext& context, Report report);
std::unique_ptr<Check> begin_tcp(const contract::Probe& probe, CheckContext& context, Report report);

}  // namespace blackstart
