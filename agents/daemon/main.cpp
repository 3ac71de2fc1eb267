// SPDX-License-Identifier: Apache-2.0
// blackstart-agent: one per host. Options → runtime, channel and metrics → one poll loop.
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <mutex>
#include <optional>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/daemon/exposition.h"
#include "agents/daemon/probe_command.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "agents/kernel/boot_id.h"
#include "agents/runtime/runtime.h"

namespace {

using namespace blackstart;
namespace po = boost::program_options;

constexpr int kExitUsage = 4, kExitFailed = 70;

struct Options {
  std::string host, site, socket, state, metrics_listen;
  bool lab = false;
};

void print_features() {
  auto list = nlohmann::json::array();
  for (const Feature& feature : probe_features())
    list.push_back({{"name", feature.name},
                    {"available", feature.available},
                    {"reason", feature.reason},
                    {"hint", feature.hint}});
  std::cout << list.dump(2) << "\n";
}

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  po::options_description all("options");
  all.add_options()("help,h", "print this text")("version", "print the version");
  all.add_options()("probe-features", "try what this kernel can do, print it as JSON, and end");
  all.add_options()("host", po::value(&options.host)->required(), "this host's name in the topology");
  all.add_options()("site", po::value(&options.site)->default_value(""), "the site it stands in");
  all.add_options()("socket", po::value(&options.socket)->required(), "unix socket to listen on");
  all.add_options()("state", po::value(&options.state)->required(),
                    "folder for what must be known after a crash");
  all.add_options()("metrics-listen", po::value(&options.metrics_listen)->default_value("127.0.0.1:9464"),
                    "address of /metrics; empty: none");
  all.add_options()("lab", po::bool_switch(&options.lab),
                    "this host is part of a lab: accept the lab's orders");
  try {
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, all), values);
    if (values.count("help")) {
      std::cout << "usage: blackstart-agent --host NAME --socket PATH --state DIR [OPTIONS]\n\n" << all;
      std::exit(0);
    }
    if (values.count("version")) {
      std::cout << "blackstart-agent " BLACKSTART_VERSION "\n";
      std::exit(0);
    }
    if (values.count("probe-features")) {
      print_features();
      std::exit(0);
    }
    po::notify(values);
  } catch (const po::error& error) {
    std::cerr << "blackstart-agent: " << error.what() << "\n    hint: blackstart-agent --help\n";
    return std::nullopt;
  }
  if (!options.lab) {
    std::cerr << "blackstart-agent: outside a lab this version accepts no orders; start it with `blackstart "
                 "lab up`\n";
    return std::nullopt;
  }
  return options;
}

// SIGTERM and SIGINT as a descriptor, so that the loop ends between two requests, never inside one.
int make_signal_fd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int milliseconds_until(int64_t moment) {
  if (moment == INT64_MAX) return -1;
  const int64_t left = (moment - monotonic_now()) / 1'000'000 + 1;
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

// One request, tick or scrape at a time: `guard` keeps the threads of the metrics server out meanwhile.
void loop(EmbeddedServer& server, Runtime& runtime, std::mutex& guard, int signal_fd) {
  std::vector<pollfd> polled;
  for (;;) {
    polled.clear();
    polled.push_back({signal_fd, POLLIN, 0});
    server.add_to(polled);
    const size_t of_server = polled.size();
    for (const int fd : runtime.wake_fds()) polled.push_back({fd, POLLIN, 0});
    if (poll(polled.data(), polled.size(), milliseconds_until(runtime.next_tick())) < 0 && errno != EINTR)
      return;
    if (polled[0].revents != 0) return;
    const std::lock_guard lock(guard);
    if (std::any_of(polled.begin() + static_cast<ptrdiff_t>(of_server), polled.end(),
                    [](const pollfd& descriptor) { return descriptor.revents != 0; }))
      runtime.wake();
    server.handle(polled, [&](const contract::Request& request) { return runtime.answer(request); });
    runtime.tick();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "probe") return run_probe_command(argc, argv);
  const auto options = parse(argc, argv);
  if (!options) return kExitUsage;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l " + options->host + ": %v");
  const int signal_fd = make_signal_fd();  // before any thread starts, so that all of them block the signals

  const auto give_up = [](const Error& error) {
    spdlog::error("{}", error.message());
    return kExitFailed;
  };

  if (auto swept = sweep({.state_dir = options->state}); !swept)
    return give_up(swept.error());
  else if (*swept > 0)
    spdlog::warn("removed {} objects a dead agent left", *swept);

  auto prober = Prober::make({.allow_commands = options->lab});
  if (!prober) return give_up(prober.error());

  RuntimeParts parts;
  parts.prober = prober->get();
  parts.residue = [] { return traffic_residue(); };
  parts.make_families = [&]() -> Result<std::vector<std::unique_ptr<FaultFamily>>> {
    auto traffic = TrafficFault::make({.state_dir = options->state});
    if (!traffic) return tl::unexpected(traffic.error());
    std::vector<std::unique_ptr<FaultFamily>> families;
    families.push_back(std::move(*traffic));
    return families;
  };
  Runtime runtime({options->host, options->site, boot_id()}, parts);

  std::mutex guard;
  std::unique_ptr<MetricsServer> metrics;
  if (!options->metrics_listen.empty()) {
    auto made = MetricsServer::make(options->metrics_listen);
    if (!made) return give_up(made.error());
    metrics = std::move(*made);
    metrics->set_provider([&] {
      const std::lock_guard lock(guard);
      return runtime.report();
    });
  }

  auto server = EmbeddedServer::make(options->socket);
  if (!server) return give_up(server.error());
  loop(**server, runtime, guard, signal_fd);
  if (metrics) metrics->set_provider({});
  return 0;
}
