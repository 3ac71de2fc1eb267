// SPDX-License-Identifier: Apache-2.0
// What arrives on an agent's socket, in pieces of any size: a frame, more to come, or a broken stream.
// The first byte is the size of the pieces.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include <google/protobuf/stubs/logging.h>

#include "agents/channel/embedded/stream.h"
#include "agents/contract/contract.pb.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace blackstart;
  using embedded::Progress;
  [[maybe_unused]] static const auto loud = google::protobuf::SetLogHandler(nullptr);
  if (size < 2) return 0;
  const size_t piece = data[0] + size_t{1};
  ++data;
  --size;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 0;
  std::string buffer;
  Progress progress = Progress::kAgain;
  size_t sent = 0;
  while (sent < size && progress == Progress::kAgain) {
    const ssize_t put = send(ends[1], data + sent, std::min(piece, size - sent), MSG_NOSIGNAL);
    if (put <= 0) break;
    sent += static_cast<size_t>(put);
    progress = embedded::receive_some(ends[0], buffer);
  }
  fuzz::require(progress != Progress::kClosed, "an open stream is not closed");
  fuzz::require(buffer.size() <= sent, "nothing is read that was not sent");
  if (progress == Progress::kDone) {
    const std::string body = buffer.substr(4);
    fuzz::require(embedded::frame(body) == buffer, "a frame is what was framed");
    contract::Request request;
    if (request.ParseFromString(body)) (void)request.ByteSizeLong();
  }
  close(ends[0]);
  close(ends[1]);
  return 0;
}
