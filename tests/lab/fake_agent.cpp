// SPDX-License-Identifier: Apache-2.0
// Stands in for the agent where only its place in a lab matters: answers everything on --socket, does
// nothing.
#include <poll.h>

#include <string>
#include <vector>

#include "agents/channel/embedded/embedded_channel.h"

int main(int argc, char** argv) {
  std::string path;
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string(argv[i]) == "--socket") path = argv[i + 1];
  const auto server = blackstart::EmbeddedServer::make(path);
  if (!server) return 1;
  while (true) {
    std::vector<pollfd> wanted;
    (*server)->add_to(wanted);
    poll(wanted.data(), wanted.size(), 1000);
    (*server)->handle(wanted, [](const blackstart::contract::Request&) {
      blackstart::contract::Reply reply;
      reply.mutable_report();
      return reply;
    });
  }
}
