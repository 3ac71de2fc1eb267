// SPDX-License-Identifier: Apache-2.0
// bench: one run, one table. With --markdown FILE also a page with the date and the machine.
#include "tests/bench/bench.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "agents/contract/units.h"
#include "agents/contract/wire.h"

namespace blackstart::bench {

std::string dotted(uint32_t address) {
  Address out;
  for (int i = 3; i >= 0; --i, address >>= 8)
    out.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(address);
  return out.text();
}

double cpu_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

contract::Order order_to_drop(const std::vector<bench_peers>& peers) {
  contract::Order order;
  order.set_run("bench");
  order.set_host("bench");
  order.set_hold(true);
  contract::Fault* fault = order.add_faults();
  fault->set_id("f1");
  fault->set_kind("site-blackhole");
  fault->set_end_ns(Duration(std::chrono::hours(1)).count());
  contract::PacketRule* rule = fault->add_rules();
  for (const bench_peers& some : peers)
    for (uint32_t i = 0; i < some.count; ++i) {
      const uint32_t address = bench_peer(&some, i);
      contract::Prefix* prefix = rule->add_peers();
      const char bytes[] = {static_cast<char>(address >> 24), static_cast<char>(address >> 16),
                            static_cast<char>(address >> 8), static_cast<char>(address)};
      prefix->set_address(bytes, sizeof(bytes));
      prefix->set_length(32);
    }
  order.mutable_protection()->add_ports()->set_port(22);
  return order;
}

namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::string machine() {
  utsname system{};
  uname(&system);
  return rfc3339(unix_now()).substr(0, 10) + ", Linux " + system.release + ", " +
         std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " × " + cpu_model();
}

// `only`: one part of it; "": all.
std::vector<Section> measure(const std::string& only, const std::string& scratch) {
  const auto part = [&](const char* name, auto figures) {
    if (!only.empty() && only != name) return std::vector<Section>();
    std::cerr << "measuring: " << name << "\n";
    return figures();
  };
  // What forks comes first, and the packets last: their orders are large, and so is a process that held them.
  const auto processes = part("processes", process_figures);
  const auto agent = part("agent", [&] { return agent_figures(scratch); });
  const auto floods = part("floods", [&] { return flood_figures(scratch); });
  std::vector<Section> out = part("packets", packet_figures);
  out.insert(out.end(), floods.begin(), floods.end());
  for (const Section& section : agent) {
    if (!out.empty() && out.back().title == section.title)
      out.back().rows.insert(out.back().rows.begin(), section.rows.begin(), section.rows.end());
    else
      out.push_back(section);
  }
  out.insert(out.end(), processes.begin(), processes.end());
  return out;
}

// The prose of the page stays as people wrote it; what follows its last heading is this run's.
void replace_last_section(const std::string& path, const std::string& result) {
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t heading = text.rfind("\n## ");
  const size_t end = heading == std::string::npos ? heading : text.find('\n', heading + 1);
  if (end == std::string::npos) throw std::runtime_error(path + " has no heading to put the table under");
  std::ofstream(path) << text.substr(0, end + 1) << "\n" << result;
}

}  // namespace
}  // namespace blackstart::bench

int main(int argc, char** argv) {
  using namespace blackstart::bench;
  namespace po = boost::program_options;
  std::string page, only;
  po::options_description all("options");
  all.add_options()("help,h", "print this text");
  all.add_options()("markdown", po::value(&page), "rewrite the table of this page, below its last heading");
  all.add_options()("only", po::value(&only), "one part: packets, floods, processes or agent");
  try {
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, all), values);
    if (values.count("help")) {
      std::cout << "usage: bench [OPTIONS]\n\n" << all;
      return 0;
    }
    po::notify(values);
  } catch (const po::error& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return 4;
  }

  std::string scratch = std::filesystem::temp_directory_path() / "blackstart-bench-XXXXXX";
  if (mkdtemp(scratch.data()) == nullptr) {
    std::cerr << "bench: cannot make a folder in " << scratch << "\n";
    return 1;
  }
  int code = 0;
  try {
    const std::string result = machine() + "\n\n" + render(measure(only, scratch));
    std::cout << result;
    if (!page.empty()) replace_last_section(page, result);
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    code = 1;
  }
  std::filesystem::remove_all(scratch);
  return code;
}
