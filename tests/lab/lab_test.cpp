// SPDX-License-Identifier: Apache-2.0
// A lab comes up, is what it says it is, and leaves nothing. Runs as root.
#include "injector/lab/lab.h"

#include <gmock/gmock.h>
#include <net/if.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>

#include "agents/kernel/cgroup.h"
#include "agents/kernel/named_netns.h"
#include "injector/experiment/load.h"
#include "injector/lab/paths.h"
#include "tests/support/promise.h"

namespace blackstart::lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kBin = BLACKSTART_BINARY_DIR "/bin";

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Output {
  int code = -1;
  std::string text;
};

// Runs `work` in a child whose standard output is caught; the child exits with what it returns.
Output in_child(const std::function<int()>& work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 1);
    ::close(ends[0]);
    ::close(ends[1]);
    ::_exit(work());
  }
  ::close(ends[1]);
  Output output;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    output.text.append(buffer.data(), static_cast<size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

// What of a lab is on this machine; the links and rules of the machine itself are there too, since no
// lab may touch them.
struct Snapshot {
  std::vector<std::string> namespaces, cgroups, mounts, links;
  std::string rules;
  bool folder = false;
  bool operator==(const Snapshot&) const = default;

  static Snapshot take(const std::string& lab) {
    Snapshot now;
    for (const auto& entry : fs::directory_iterator("/run/netns"))
      if (entry.path().filename().string().starts_with(lab + "-")) now.namespaces.push_back(entry.path());
    const auto cgroup = Cgroup::at("blackstart/" + lab);
    if (cgroup->exists()) now.cgroups.push_back(cgroup->path());
    std::istringstream mounts(read("/proc/self/mountinfo"));
    for (std::string line; std::getline(mounts, line);)
      if (line.find("/" + lab) != std::string::npos) now.mounts.push_back(line);
    struct if_nameindex* names = ::if_nameindex();
    for (auto* name = names; name->if_index != 0; ++name) now.links.emplace_back(name->if_name);
    ::if_freenameindex(names);
    now.rules = in_child([] { return ::execlp("nft", "nft", "list", "ruleset", nullptr); }).text;
    now.folder = fs::exists(Paths::of(lab).root);
    return now;
  }
};

void PrintTo(const Snapshot& s, std::ostream* out) {
  *out << testing::PrintToString(s.namespaces) << testing::PrintToString(s.cgroups)
       << testing::PrintToString(s.mounts) << testing::PrintToString(s.links) << s.rules
       << (s.folder ? "folder" : "");
}

class LabTest : public testing::Test {
 protected:
  LabTest() {
    auto loaded = load_topology(BLACKSTART_SOURCE_DIR "/experiments/labs/two-sites.yaml");
    EXPECT_TRUE(loaded) << loaded.error().front().message;
    topology_ = *loaded;
    topology_.name = "lab-test";
    fs::create_directories("/run/netns");
    (void)Lab::down(name(), print());
    before_ = Snapshot::take(name());
  }
  ~LabTest() override {
    (void)Lab::down(name(), print());
    EXPECT_EQ(Snapshot::take(name()), before_);
  }

  [[nodiscard]] const std::string& name() const { return topology_.name; }
  Progress print() {
    return [this](const std::string& line) { lines_.push_back(line); };
  }
  Result<Lab> up() { return Lab::up(topology_, options_, print()); }

  Output exec(const std::string& host, const std::vector<std::string>& command) {
    return in_child([&] {
      const auto found = Lab::find(name());
      if (!found) return 120;
      const Error error = found->exec(host, command);
      std::cerr << error.message() << "\n";
      return 121;
    });
  }
  Output get(const std::string& host, const std::string& url, const std::string& family = "-4") {
    return exec(host, {"curl", "-sf", "-m", "2", family, "--noproxy", "*", url});
  }
  pid_t pid_of(const std::string& host, const std::string& service) {
    for (const HostStatus& one : Lab::find(name())->status().hosts)
      for (const ProcessStatus& process : one.services)
        if (one.name == host && process.service == service) return process.pid;
    return 0;
  }
  // The same process as a service of one host, not ready before it has run `command`.
  void add_service(const std::string& service, LabRun run) {
    topology_.services[service].name = service;
    topology_.services[service].role = "app";
    topology_.services[service].instances = {Instance{.host = "anyang-app-1", .port = {}, .process = {}}};
    topology_.lab->run[service] = std::move(run);
  }

  Topology topology_;
  LabOptions options_{.bin = kBin, .agent_binary = ""};
  std::vector<std::string> lines_;
  Snapshot before_;
};

TEST_F(LabTest, ServicesAnswerAcrossSitesInBothFamilies) {
  const auto lab = up();
  ASSERT_TRUE(lab) << lab.error().message();
  EXPECT_TRUE(lab->status().healthy());
  for (const std::string family : {"-4", "-6"}) {
    const Output output = get("phone-1", "http://anyang-app-1:8080/", family);
    EXPECT_EQ(output.code, 0) << family;
    EXPECT_THAT(output.text, HasSubstr("login on anyang-app-1: ok"));
    EXPECT_THAT(output.text, HasSubstr("session-cache: ok"));
  }
}

TEST_F(LabTest, TheSampleServiceFailsWithItsNeedAndRecoversWithIt) {
  ASSERT_TRUE(up());
  EXPECT_EQ(get("phone-1", "http://anyang-app-1:8080/").code, 0);
  const pid_t cache = pid_of("pangyo-cache-1", "session-cache");
  ASSERT_GT(cache, 0);
  ASSERT_GT(cache, 1);
  ::kill(cache, SIGSTOP);
  const Output output =
      exec("phone-1", {"curl", "-s", "-m", "2", "--noproxy", "*", "http://anyang-app-1:8080/"});
  EXPECT_THAT(output.text, HasSubstr("session-cache: FAILED"));
  EXPECT_EQ(get("phone-1", "http://anyang-app-1:8080/healthz").code, 0);
  ::kill(cache, SIGCONT);
  EXPECT_EQ(get("phone-1", "http://anyang-app-1:8080/").code, 0);
}

TEST_F(LabTest, NamesResolveInside) {
  ASSERT_TRUE(up());
  for (const auto& [asked, address] :
       std::map<std::string, std::string>{{"pangyo-cache-1", "198.18.1.21"},
                                          {"anyang-app-1.lab", "198.18.2.11"},
                                          {"session-cache.lab", "198.18.1.21"}})
    EXPECT_THAT(exec("phone-1", {"getent", "ahostsv4", asked}).text, StartsWith(address + " ")) << asked;
  EXPECT_THAT(exec("phone-1", {"getent", "ahosts", "login.lab"}).text,
              testing::AllOf(HasSubstr("198.18.1.11"), HasSubstr("198.18.2.11"), HasSubstr("fd00:18:2::11")));
  EXPECT_NE(exec("phone-1", {"getent", "hosts", "nobody-there.lab"}).code, 0);
}

TEST_F(LabTest, ExecRunsOnTheHostAndPassesTheExitCode) {
  ASSERT_TRUE(up());
  const Output output = exec("phone-1", {"/bin/sh", "-c", "hostname; exit 7"});
  EXPECT_EQ(output.text, "phone-1\n");
  EXPECT_EQ(output.code, 7);
  EXPECT_EQ(exec("nowhere", {"true"}).code, 121);
  EXPECT_THAT(exec("phone-1", {"cat", "/proc/self/cgroup"}).text, HasSubstr("/phone-1/services/"))
      << "where faults on processes reach";
}

TEST_F(LabTest, AServiceRunsAsItsUserInItsOwnCgroup) {
  ASSERT_TRUE(up());
  const std::string proc = "/proc/" + std::to_string(pid_of("anyang-app-1", "login"));
  struct stat owner {};
  ASSERT_EQ(::stat(proc.c_str(), &owner), 0);
  EXPECT_EQ(owner.st_uid, ::getpwnam("nobody")->pw_uid);
  EXPECT_THAT(read(proc + "/status"), HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(read(proc + "/cgroup"), HasSubstr("0::/blackstart/lab-test/anyang-app-1/services/login\n"));
}

TEST_F(LabTest, AgentsStandBesideTheServices) {
  options_.agent_binary = BLACKSTART_BINARY_DIR "/tests/lab/fake_agent";
  const auto lab = up();
  ASSERT_TRUE(lab) << lab.error().message();
  EXPECT_EQ(lab->agent_sockets().size(), 6u);
  EXPECT_EQ(lab->agent_sockets().at("phone-1"), "/run/blackstart/lab/lab-test/agents/phone-1.sock");
  for (const HostStatus& host : lab->status().hosts) {
    ASSERT_TRUE(host.agent) << host.name;
    EXPECT_TRUE(host.agent->ready) << host.name;
    EXPECT_THAT(read("/proc/" + std::to_string(host.agent->pid) + "/cgroup"),
                HasSubstr("0::/blackstart/lab-test/" + host.name + "/agent\n"));
  }

  // A stopped one is there, and its socket takes connections still.
  const auto phones = [&] {
    const LabStatus status = lab->status();
    const auto phone = std::find_if(status.hosts.begin(), status.hosts.end(),
                                    [](const HostStatus& host) { return host.name == "phone-1"; });
    return std::pair(status.healthy(), *phone->agent);
  };
  const pid_t pid = phones().second.pid;
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto [healthy, stopped] = phones();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  EXPECT_EQ(stopped.pid, pid);
  EXPECT_FALSE(stopped.ready);
  EXPECT_FALSE(healthy);
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_TRUE(phones().second.ready);
}

TEST_F(LabTest, FilesAndPreparationsAreTheUsersOwn) {
  const fs::path folder = fs::temp_directory_path() / "blackstart-lab-test";
  fs::create_directories(folder);
  std::ofstream(folder / "greeting.in") << "{host} in {site}, {address}\n";
  topology_.file = folder / "topology.yaml";
  LabRun run;
  run.command = {"sleep", "1000"};
  run.prepare = {{"cp", "{dir}/sub/greeting", "{dir}/copy"}, {"test", "-r", "{topology}/greeting.in"}};
  run.files = {{"sub/greeting", "greeting.in"}};
  run.user = "nobody";
  add_service("greeter", run);
  const auto lab = up();
  ASSERT_TRUE(lab) << lab.error().message();
  const fs::path copy = Paths::of(name()).process("anyang-app-1", "greeter") / "copy";
  EXPECT_EQ(read(copy), "anyang-app-1 in anyang, 198.18.2.11\n");
  struct stat owner {};
  ASSERT_EQ(::stat(copy.c_str(), &owner), 0);
  EXPECT_EQ(owner.st_uid, ::getpwnam("nobody")->pw_uid);
  EXPECT_FALSE(fs::exists(Paths::of(name()).topology() / "greeting.in"))
      << "the mount is seen outside the lab";
  ASSERT_TRUE(Lab::down(name(), print()));
  EXPECT_TRUE(fs::exists(folder / "greeting.in")) << "the topology's own files must survive";
  fs::remove_all(folder);
}

TEST_F(LabTest, UpAgainStartsOnlyWhatDied) {
  ASSERT_TRUE(up());
  const pid_t dead = pid_of("anyang-app-2", "news"), alive = pid_of("anyang-app-1", "login");
  ASSERT_TRUE(up());
  EXPECT_EQ(lines_.back(), "lab lab-test is up already");
  EXPECT_EQ(pid_of("anyang-app-2", "news"), dead);

  ASSERT_GT(dead, 1);  // 0 would be this test and its parents
  ::kill(dead, SIGKILL);
  ::waitpid(dead, nullptr, 0);
  EXPECT_FALSE(Lab::find(name())->status().healthy());
  ASSERT_TRUE(up());
  EXPECT_TRUE(Lab::find(name())->status().healthy());
  EXPECT_NE(pid_of("anyang-app-2", "news"), dead);
  EXPECT_EQ(pid_of("anyang-app-1", "login"), alive);
}

TEST_F(LabTest, UpWithOtherPartsStartsOver) {
  ASSERT_TRUE(up());
  const pid_t old = pid_of("anyang-app-1", "login");
  topology_.services.erase("news");
  ASSERT_TRUE(up());
  EXPECT_NE(pid_of("anyang-app-1", "login"), old);
  EXPECT_EQ(pid_of("anyang-app-2", "news"), 0);
}

TEST_F(LabTest, WhatAKilledUpLeftIsCleaned) {
  for (const std::string moment : {"network of", "starting"}) {
    const Output killed = in_child([&] {
      (void)Lab::up(topology_, options_, [&](const std::string& line) {
        if (line.starts_with(moment)) ::raise(SIGKILL);
      });
      return 0;
    });
    ASSERT_EQ(killed.code, 128 + SIGKILL) << moment;
    EXPECT_THAT(Snapshot::take(name()).namespaces, testing::SizeIs(6)) << moment;
    ASSERT_TRUE(Lab::find(name()));
    EXPECT_FALSE(Lab::find(name())->status().complete);
    const auto lab = up();
    ASSERT_TRUE(lab) << lab.error().message();
    EXPECT_TRUE(lab->status().healthy());
    ASSERT_TRUE(Lab::down(name(), print()));
    EXPECT_EQ(Snapshot::take(name()), before_);
  }
}

TEST_F(LabTest, DownTakesAHalfMadeLabAway) {
  in_child([&] {
    (void)Lab::up(topology_, options_, [&](const std::string& line) {
      if (line.starts_with("starting")) ::raise(SIGKILL);
    });
    return 0;
  });
  ASSERT_TRUE(Lab::down(name(), print()));
  EXPECT_EQ(Snapshot::take(name()), before_);
}

TEST_F(LabTest, AServiceThatDiesIsNamedWithItsLastWords) {
  LabRun run;
  run.command = {"/bin/sh", "-c", "echo the port is taken; exit 3"};
  run.ready.tcp = 9999;
  add_service("broken", run);
  const auto lab = up();
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message(),
              testing::AllOf(HasSubstr("broken on anyang-app-1"), HasSubstr("exited with 3"),
                             HasSubstr("the port is taken")));
  EXPECT_EQ(Snapshot::take(name()), before_);
}

TEST_F(LabTest, AServiceThatNeverAnswersEndsTheAttempt) {
  LabRun run;
  run.command = {"sleep", "1000"};
  run.ready.tcp = 9999;
  run.ready.within = std::chrono::milliseconds(300);
  add_service("mute", run);
  const auto lab = up();
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message(), testing::AllOf(HasSubstr("mute on anyang-app-1"), HasSubstr("300ms")));
  EXPECT_EQ(Snapshot::take(name()), before_);
}

TEST_F(LabTest, CancellingTakesEverythingBack) {
  options_.cancelled = [this] { return !lines_.empty(); };
  EXPECT_FALSE(up());
  EXPECT_EQ(Snapshot::take(name()), before_);
}

TEST_F(LabTest, AMissingProgramIsSaidBeforeAnythingIsMade) {
  LabRun run;
  run.command = {"no-such-server"};
  add_service("absent", run);
  const auto lab = up();
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().kind, ErrorKind::kMissing);
  EXPECT_THAT(lab.error().message(),
              testing::AllOf(HasSubstr("no-such-server"), HasSubstr("apt-get install")));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(LabTest, AForeignNamespaceIsLeftAlone) {
  proves("S9");
  ASSERT_TRUE(create_netns("lab-test-phone-1"));
  const auto lab = up();
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().kind, ErrorKind::kRefused);
  EXPECT_TRUE(netns_exists("lab-test-phone-1"));
  ASSERT_TRUE(remove_netns("lab-test-phone-1"));
}

TEST_F(LabTest, TwoLabsMayUseTheSameAddresses) {
  ASSERT_TRUE(up());
  Topology twin = topology_;
  twin.name = "lab-test2";
  ASSERT_TRUE(Lab::up(twin, options_, print()));
  EXPECT_THAT(get("phone-1", "http://anyang-app-1:8080/").text, HasSubstr("ok"));
  ASSERT_TRUE(Lab::down("lab-test2", print()));
  EXPECT_TRUE(Lab::find(name())->status().healthy());
}

}  // namespace
}  // namespace blackstart::lab
