// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/agent_under_test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "agents/runtime/journal_format.h"

extern char** environ;

namespace blackstart::test {
namespace {

namespace fs = std::filesystem;

constexpr std::array kServices{"killed", "frozen", "stopped"};

std::string slurp(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

// 'T' stopped, 'Z' dead and not waited for; 0: gone.
char state_of(pid_t pid) {
  const std::string stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || name_end + 2 >= stat.size() ? '\0' : stat[name_end + 2];
}

}  // namespace

std::optional<milliseconds> until(milliseconds at_most, const std::function<bool()>& holds) {
  at_most = patience(at_most);
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const bool now = holds();
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    if (now) return took;
    if (took >= at_most) return std::nullopt;
    std::this_thread::sleep_for(2ms);
  }
}

std::optional<pid_t> stopped_at(const std::string& marker) {
  const std::string text = slurp(marker);
  if (text.empty()) return std::nullopt;
  const pid_t pid = std::stoi(text);
  if (state_of(pid) != 'T') return std::nullopt;
  return pid;
}

AgentUnderTest::AgentUnderTest()
    : folder_(testing::TempDir() + "blackstart-crash"),
      outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // a sentinel outlives the agent that started it
}

AgentUnderTest::~AgentUnderTest() {
  // After a failure too: nothing of ours goes on.
  for (const pid_t pid : processes().all) ::kill(pid, SIGKILL);
  reap_children();
}

void AgentUnderTest::SetUp() {
  for (const pid_t pid : processes().all) ::kill(pid, SIGKILL);
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  sandbox_ = std::make_unique<NetnsSandbox>("crash");
  {
    const auto there = sandbox_->enter("there");
    echo_ = std::make_unique<EchoServer>();
  }
  here_ = std::make_unique<NetnsScope>(sandbox_->enter("here"));
  cgroup_ = std::make_unique<ScratchCgroup>("bs-crash");
  for (const char* name : {"/agent", "/services/killed", "/services/frozen", "/services/stopped"})
    ASSERT_TRUE(Cgroup::at(cgroup_->name() + name)->create());
  for (const char* service : kServices) (void)start_service(service);
  keeper_ = std::make_unique<FakeKeeper>(path("keeper"), [this](const std::string& whom) {
    const std::string service = whom.substr(whom.find(' ') + 1);
    if (living(service).empty()) (void)start_service(service);
    (void)until(1000ms, [&] { return !living(service).empty(); });  // or the next request starts another
    return std::string("ok 1");
  });
  channel_ = std::make_unique<EmbeddedChannel>(folder_);
  ASSERT_TRUE(ask_udp(kThere, 2000ms).answered) << "neighbours are resolved before anything is measured";
  before_ = inventory();
}

void AgentUnderTest::TearDown() {
  if (!here_) return;
  end();
  EXPECT_TRUE(until(kRestHeals, [] { return healthy(); }));
  EXPECT_TRUE(until(kRestHeals, [this] { return processes_well(); }));
  EXPECT_TRUE(journal_empty());
  EXPECT_TRUE(until(kRestHeals, [this] { return inventory() == before_; })) << "left behind:\n"
                                                                            << inventory();
  EXPECT_THAT(stranded(), testing::IsEmpty());
  if (HasFailure()) std::printf("the agents said:\n%s", log().c_str());
  keeper_.reset();
  cgroup_.reset();
  reap_children();
  here_.reset();
  echo_.reset();
  sandbox_.reset();
  fs::remove_all(folder_);
}

void AgentUnderTest::start(const std::vector<std::string>& environment,
                           const std::vector<std::string>& options) {
  std::vector<std::string> words{BLACKSTART_AGENT_UNDER_TEST,
                                 "--host",
                                 "h",
                                 "--socket",
                                 path("h.sock"),
                                 "--state",
                                 state(),
                                 "--abort-file",
                                 path("stop/abort"),
                                 "--lever-file",
                                 path("stop/lever")};
  words.insert(words.end(), options.begin(), options.end());
  const auto says = [&](const char* option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  if (!says("--config")) words.insert(words.end(), {"--lab", "--keeper", path("keeper")});
  // Their server takes up to two seconds to end, each time.
  if (!says("--metrics-listen")) words.insert(words.end(), {"--metrics-listen", ""});
  std::vector<std::string> variables = environment;
  for (char** one = environ; *one; ++one) variables.emplace_back(*one);
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& variable : variables) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  // A child is born into the cgroup its parent is in.
  const auto join = [](const std::string& cgroup) {
    const auto procs = Cgroup::at(cgroup)->open_for_joining();
    return procs && ::write(procs->get(), "0", 1) == 1;
  };
  const std::string own = own_cgroup();
  ASSERT_TRUE(join(cgroup_->name() + "/agent"));
  const int code = ::posix_spawn(&pid, words[0].c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  ASSERT_TRUE(join(own));
  ASSERT_EQ(code, 0) << words[0];
}

AgentProcesses AgentUnderTest::processes() const {
  AgentProcesses out;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string words = slurp(entry.path() / "cmdline");
    std::replace(words.begin(), words.end(), '\0', ' ');
    if (words.find("--state " + state() + " ") == std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (state_of(pid) == 'Z') continue;
    out.all.push_back(pid);
    (words.find(" sentinel ") != std::string::npos ? out.sentinel : out.agent) = pid;
  }
  return out;
}

bool AgentUnderTest::all_gone() const {
  for (int i = 0; i < 4; ++i) {
    reap_children();
    if (!processes().all.empty()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

void AgentUnderTest::reap_children() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
}

bool AgentUnderTest::whole() {
  const AgentProcesses now = processes();
  return now.agent != 0 && now.sentinel != 0 && now.all.size() == 2 && hello().has_value();
}

bool AgentUnderTest::wait_until_it_answers(milliseconds at_most) {
  return until(at_most, [this] { return hello().has_value(); }).has_value();
}

void AgentUnderTest::end() {
  for (const pid_t pid : processes().all) {
    ::kill(pid, SIGTERM);
    ::kill(pid, SIGCONT);
  }
  EXPECT_TRUE(until(3000ms, [this] { return all_gone(); })) << "a process goes on";
}

contract::Order AgentUnderTest::order(Duration end, contract::Attachment attachment) {
  contract::Order out = OrderBuilder()
                            .site("here", {"198.18.1.0/24", "fd00:18:1::/64"})
                            .site("there", {"198.18.2.0/24", "fd00:18:2::/64"})
                            .fault({{.peers = {"198.18.2.0/24", "fd00:18:2::/64"}}}, 0s, end)
                            .attachment(attachment);
  out.set_host("h");
  out.set_hold(true);
  out.set_lease_ns(Duration(15s).count());
  return out;
}

contract::Order AgentUnderTest::with_processes(contract::Order order) {
  const auto add = [&](contract::ProcessFault::Act act, const std::string& service, const std::string& exe) {
    contract::Fault& fault = *order.add_faults();
    fault.set_id("p" + std::to_string(order.faults_size()));
    fault.set_kind(act == contract::ProcessFault::KILL ? "service-kill" : "service-freeze");
    fault.set_end_ns(order.faults(0).end_ns());
    fault.mutable_process()->set_act(act);
    fault.mutable_process()->set_hold_down(act == contract::ProcessFault::KILL);
    contract::ProcessTarget& target = *fault.mutable_process()->add_targets();
    target.set_service(service);
    target.mutable_match()->set_exe(exe);
    if (!exe.empty()) target.mutable_match()->set_cgroup("bs-crash/services/" + service);
  };
  add(contract::ProcessFault::KILL, "killed", "");
  add(contract::ProcessFault::FREEZE, "frozen", "");
  add(contract::ProcessFault::FREEZE, "stopped", BLACKSTART_FIRST_ACT);
  return order;
}

std::string AgentUnderTest::services(const std::string& service) const {
  return cgroup_->name() + "/services/" + service;
}

pid_t AgentUnderTest::start_service(const std::string& service) const {
  return start_in(services(service), {BLACKSTART_FIRST_ACT, path(service), "stay"});
}

std::vector<pid_t> AgentUnderTest::living(const std::string& service) const {
  std::vector<pid_t> out = Cgroup::at(services(service))->processes();
  std::erase_if(out, [](pid_t pid) {
    const char state = state_of(pid);
    return state == '\0' || state == 'Z';
  });
  return out;
}

bool AgentUnderTest::processes_well() const {
  return std::all_of(kServices.begin(), kServices.end(), [&](const char* service) {
    const auto pids = living(service);
    return pids.size() == 1 && state_of(pids[0]) != 'T' && !Cgroup::at(services(service))->frozen();
  });
}

void AgentUnderTest::restart_services() {
  for (const char* service : kServices) {
    (void)Cgroup::at(services(service))->freeze(false);
    (void)Cgroup::at(services(service))->kill(1000ms);
    reap_children();
    (void)start_service(service);
  }
}

Result<contract::Reply> AgentUnderTest::ask(const contract::Request& request, milliseconds at_most) {
  return channel_->call("h", request, at_most);
}

Result<contract::Reply> AgentUnderTest::hello() {
  contract::Request request;
  request.mutable_hello();
  return ask(request, patience(200ms));
}

Result<contract::Reply> AgentUnderTest::arm(const contract::Order& order) {
  contract::Request request;
  *request.mutable_arm()->mutable_order() = order;
  return ask(request, patience(2000ms));
}

Result<contract::Reply> AgentUnderTest::fire() {
  contract::Request request;
  request.mutable_fire()->set_run("test-run");
  request.mutable_fire()->set_t0_unix_ns(unix_now());
  request.mutable_fire()->set_horizon_ns(INT64_MAX);
  return ask(request);
}

Result<contract::Reply> AgentUnderTest::collect() {
  contract::Request request;
  request.mutable_collect()->set_run("test-run");
  request.mutable_collect()->set_renew(true);
  request.mutable_collect()->set_horizon_ns(INT64_MAX);
  return ask(request);
}

Result<contract::Reply> AgentUnderTest::revert() {
  contract::Request request;
  request.mutable_revert()->set_run("test-run");
  request.mutable_revert()->set_reason("end");
  return ask(request, patience(2000ms));
}

void AgentUnderTest::arm_and_fire(Duration end, contract::Attachment attachment) {
  const auto armed = arm(order(end, attachment));
  ASSERT_TRUE(armed) << armed.error().message();
  ASSERT_TRUE(fire());
  ASSERT_TRUE(until(200ms, [] { return !healthy(); })) << "the fault is there";
}

bool AgentUnderTest::healthy() {
  return ask_udp(kThere, 20ms).answered;
}

std::optional<milliseconds> AgentUnderTest::until_healthy(milliseconds at_most) {
  return until(at_most, [] { return ask_udp(kThere, 2ms).answered; });
}

std::vector<std::string> AgentUnderTest::stranded() const {
  std::string text;
  std::thread([&] {  // the others stay where they are
    if (::setns(outside_.get(), CLONE_NEWNET) != 0) return;
    text = shell("(exec 2>/dev/null; " + std::string(BLACKSTART_AGENT_UNDER_TEST) +
                 " inventory --output json --state " + state() + ")")
               .second;
  })
      .join();
  std::vector<std::string> out;
  const auto found = nlohmann::json::parse(text, nullptr, false);
  if (found.is_discarded()) return {"no inventory: " + text};
  const std::string here = sandbox_->netns("here");
  for (const auto& each : found["objects"])
    if (each["netns"] == here)
      out.push_back(each["kind"].get<std::string>() + " " + each["object"].get<std::string>() + "; " +
                    each["remove"].get<std::string>());
  for (const auto& gap : found["unknown"])
    if (gap.get<std::string>().find(here) != std::string::npos) out.push_back(gap);
  return out;
}

bool AgentUnderTest::journal_empty() const {
  const std::string text = slurp(state() + "/journal");
  return text.empty() || text == journal_header();
}

std::string AgentUnderTest::log() const {
  return slurp(path("log"));
}

}  // namespace blackstart::test
