// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>
#include <iostream>

#include <boost/program_options.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/wire.h"
#include "agents/daemon/commands.h"
#include "agents/daemon/signals.h"
#include "agents/probes/prober.h"

namespace blackstart {
namespace {

namespace po = boost::program_options;

// One run is served in the life of the process, so its answers need no guard against another's.
class ProberService {
 public:
  explicit ProberService(Prober& prober) : prober_(prober) {}

  contract::Reply answer(const contract::Request& request) {
    contract::Reply reply;
    Result<> done;
    switch (request.body_case()) {
      case contract::Request::kHello:
        break;
      case contract::Request::kStartProbes: {
        const auto& probes = request.start_probes().probes();
        reply.set_samples_until(prober_.pass_over());
        done = prober_.start({probes.begin(), probes.end()});
        break;
      }
      case contract::Request::kCollect: {
        auto batch = prober_.take(request.collect().samples_after());
        for (contract::Sample& sample : batch.samples) *reply.add_samples() = std::move(sample);
        reply.set_samples_until(batch.until);
        break;
      }
      case contract::Request::kStopProbes:
        prober_.stop();
        break;
      default:
        done = fail(ErrorKind::kRefused, "obey an order", "", 0, "this is a prober: it only asks");
    }
    if (!done) to_wire(done.error(), reply.mutable_failure());
    reply.mutable_report()->set_version(BLACKSTART_VERSION);
    return reply;
  }

 private:
  Prober& prober_;
};

int fail_with(const std::string& message, int code) {
  std::cerr << "blackstart-agent probe: " << message << "\n";
  return code;
}

}  // namespace

int probe_only(const CommandLine& line) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::string socket;
  po::options_description options("options");
  options.add_options()("help,h", "print this text");
  options.add_options()("socket", po::value(&socket)->required(), "unix socket to listen on");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(line.words).options(options).run(), values);
    if (values.count("help")) {
      std::cout << "usage: blackstart-agent probe --socket PATH\n\n" << options;
      return 0;
    }
    po::notify(values);
  } catch (const po::error& error) {
    return fail_with(error.what(), kExitUsage);
  }

  const Fd signals = signals_as_fd();

  auto prober = Prober::make({.allow_commands = true});
  if (!prober) return fail_with(prober.error().message(), kExitFailed);
  ProberService service(**prober);
  auto server = EmbeddedServer::make(socket);
  if (!server) return fail_with(server.error().message(), kExitFailed);
  for (std::vector<pollfd> polled;;) {
    polled.assign(1, {signals.get(), POLLIN, 0});
    (*server)->add_to(polled);
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return kExitFailed;
    if (polled[0].revents != 0) return 0;
    (*server)->handle(polled, [&](const contract::Request& request) { return service.answer(request); });
  }
}

}  // namespace blackstart
