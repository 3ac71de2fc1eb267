// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ares.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "agents/probes/loop.h"

namespace blackstart {

struct NameServer {
  Address address;
  uint16_t port = 53;
  // "A", "A:PORT", "[A]" or "[A]:PORT".
  static std::optional<NameServer> parse(std::string_view text);
};

// One question about a name, asked without a thread. The configuration of the host is read when it
// is made, including resolv.conf's timeout and attempts. Destroying it takes the question back;
// that may not happen from within the answer.
class NameQuery final : private Watcher {
 public:
  // ARES_SUCCESS or why not, and for addresses() what was found.
  using Answer = std::function<void(int status, const std::vector<Address>& addresses)>;

  // Without a server: those of the host.
  [[nodiscard]] static Result<std::unique_ptr<NameQuery>> make(Loop& loop,
                                                               const std::optional<NameServer>& server);
  ~NameQuery() override;

  // The addresses of a host, v4 and v6, in the order to try them, from /etc/hosts and DNS.
  void addresses(const std::string& name, Answer answer);
  // Success is NOERROR with at least one record of the answer section. `type` as in arpa/nameser.h.
  void records(const std::string& name, int type, Answer answer);

 private:
  explicit NameQuery(Loop& loop) : loop_(loop) {}
  void ready(int fd, uint32_t events) override;
  void alarm() override;
  void set_next_alarm();

  Loop& loop_;
  ares_channel channel_ = nullptr;
  Answer answer_;
};

// A bounded word or two: "NXDOMAIN", "no server answered".
std::string name_failure(int status);

}  // namespace blackstart
