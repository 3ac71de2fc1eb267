// SPDX-License-Identifier: Apache-2.0
// Stands in for the agent where only its place in a lab matters: accepts on --socket, does nothing.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

int main(int argc, char** argv) {
  std::string path;
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string(argv[i]) == "--socket") path = argv[i + 1];
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) return 2;
  std::memcpy(name.sun_path, path.data(), path.size());
  unlink(path.c_str());  // left by one that was killed
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || listen(listener, 8) != 0)
    return 1;
  while (true)
    if (const int accepted = accept(listener, nullptr, nullptr); accepted >= 0) close(accepted);
}
