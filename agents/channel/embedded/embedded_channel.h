// SPDX-License-Identifier: Apache-2.0
// One machine needs no service to coordinate: every agent listens on a unix socket in one directory,
// HOST.sock. A connection carries one request and one reply, each a 4-byte big-endian length and a
// protobuf message. The directory's permissions are the authorisation: only its owner may enter.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

#include "agents/channel/channel.h"

namespace blackstart {

class EmbeddedChannel final : public Channel {
 public:
  // Does not touch the directory; one that does not exist has no hosts.
  explicit EmbeddedChannel(std::string directory) : directory_(std::move(directory)) {}

  Result<std::vector<std::string>> hosts() override;
  std::map<std::string, Result<contract::Reply>> call_all(
      const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds timeout) override;

 private:
  std::string directory_;
};

// The agent's end. It blocks nowhere: the owner polls the descriptors it names and hands the results
// back. A peer that sends nonsense, too much (64 MiB) or nothing for 5 s is dropped.
class EmbeddedServer {
 public:
  // Replaces a socket that a dead predecessor left; one that still answers is an error.
  static Result<std::unique_ptr<EmbeddedServer>> make(const std::string& path);
  ~EmbeddedServer();
  EmbeddedServer(const EmbeddedServer&) = delete;
  EmbeddedServer& operator=(const EmbeddedServer&) = delete;

  void add_to(std::vector<pollfd>& wanted) const;
  void handle(const std::vector<pollfd>& ready, const Answer& answer);

 private:
  struct Connection;
  EmbeddedServer(std::string path, int listener);
  void accept_all();

  std::string path_;
  int listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace blackstart
