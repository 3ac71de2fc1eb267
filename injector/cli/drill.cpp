// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/drill.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <thread>

#include <nlohmann/json.hpp>

#include "agents/channel/embedded/embedded_channel.h"
#include "injector/cli/alerts.h"
#include "injector/cli/announcer.h"
#include "injector/cli/live_metrics.h"
#include "injector/cli/own_place.h"
#include "injector/cli/progress_line.h"
#include "injector/cli/report_files.h"
#include "injector/conduct/conduct.h"
#include "injector/conduct/run_clock.h"
#include "injector/lab/paths.h"
#include "injector/plan/make_plan.h"
#include "injector/record/marks.h"
#include "injector/record/metrics_table.h"
#include "injector/record/outcome_json.h"
#include "injector/record/record.h"
#include "injector/record/run_registry.h"
#include "injector/record/run_stand.h"
#include "injector/record/said_returns.h"
#include "injector/record/write_file.h"
#include "injector/report/outcome_report.h"
#include "injector/report/plan_report.h"

namespace blackstart::cli {
namespace {

std::atomic<int> caught_signal = 0;

void on_signal(int number) {
  caught_signal = number;
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);  // the way back must not depend on who reads the output
}

// Everything that happens goes to the event log, and what people are told to them; progress to the terminal,
// and to `stand_file` for who looks from elsewhere.
class Recorder final : public RunObserver {
 public:
  Recorder(EventLog& log, Announcer& announcer, std::string stand_file, bool quiet, bool plain)
      : log_(log), announcer_(announcer), stand_file_(std::move(stand_file)), line_(quiet, plain) {}
  void event(UnixNs at, const std::string& type, const nlohmann::json& data) override {
    if (auto ok = log_.append(type, data, at); !ok && failure_.empty()) failure_ = ok.error().message();
    announcer_.event(at, type, data);
  }
  void progress(const RunProgress& progress) override {
    line_.show(progress);
    if (progress.phase == stand_.phase && progress.detail == stand_.detail && progress.wait == stand_.wait)
      return;
    stand_ = {progress.phase, progress.detail, unix_now() - progress.elapsed.count(), progress.expected,
              progress.wait};
    (void)write_stand(stand_file_, stand_);  // nothing hangs on it
  }
  void line(const std::string& text) override { line_.say("   " + text); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  EventLog& log_;
  Announcer& announcer_;
  const std::string stand_file_;
  RunStand stand_;
  ProgressLine line_;
  std::string failure_;
};

// The victims, before the cut.
std::string announcement(const Plan& plan, const std::vector<std::string>& absent) {
  size_t targets = 0;
  for (const PlanTarget& target : plan.targets) targets += target.cut ? 1 : 0;
  std::string text = plan.experiment + " on " + plan.topology + ", for " + format_duration(plan.end) + ":\n";
  for (const PlanFault& fault : plan.faults) text += "  " + fault.id + "  " + fault.what + "\n";
  for (const PlanFault& fault : plan.faults)
    for (const std::string& line : report::victims_text(fault))
      text += "      " + fault.act + ": " + line + "\n";
  if (targets > 0) text += "  hosts cut: " + std::to_string(targets) + "\n";
  for (const Impact impact : {Impact::kDown, Impact::kDegraded}) {
    std::string names;
    for (const auto& [name, predicted] : plan.predicted)
      if (predicted.impact == impact) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) text += std::string("  will be ") + impact_name(impact) + ": " + names + "\n";
  }
  for (const std::string& who : absent) text += "  nobody may ask " + who + "\n";
  return text + "  Ctrl-C or `blackstart abort` ends it at any time\n";
}

bool confirmed(const Invocation& invocation) {
  if (invocation.options.count("yes") || invocation.options.count("ci")) return true;
  if (!isatty(STDIN_FILENO)) return false;
  std::cerr << "Go? [y/N] " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "yes");
}

bool was_armed(const Outcome& outcome) {
  return std::any_of(outcome.phases.begin(), outcome.phases.end(),
                     [](const OutcomePhase& phase) { return phase.phase == "arm"; });
}

std::map<std::string, std::string> versions() {
  utsname system{};
  uname(&system);
  return {{"blackstart", BLACKSTART_VERSION}, {"kernel", system.release}};
}

std::optional<std::string> option(const Invocation& invocation, const char* name) {
  if (!invocation.options.count(name)) return std::nullopt;
  return invocation.options[name].as<std::string>();
}

}  // namespace

void declare_state(po::options_description& options) {
  options.add_options()("state", po::value<std::string>()->default_value(kStateFolder)->value_name("FOLDER"),
                        "where the records of runs and the lever are");
}

RunRegistry registry_of(const Invocation& invocation) {
  return RunRegistry("/run/blackstart",
                     std::filesystem::absolute(invocation.options["state"].as<std::string>()));
}

std::string agents_folder(const std::string& topology) {
  return lab::Paths::of(topology).agents().string();
}

void declare_engine(po::options_description& options) {
  auto add = options.add_options();
  add("engine", po::value<std::string>()->value_name("auto|ebpf|netfilter"),
      "what drops packets; left out: what the experiment says");
  add("attach", po::value<std::string>()->default_value("auto")->value_name("auto|tcx|clsact"),
      "how the eBPF engine is attached");
}

Result<PlanOptions> plan_options(const Invocation& invocation) {
  PlanOptions out;
  if (const auto name = option(invocation, "engine")) {
    out.engine = engine_named(*name);
    if (!out.engine)
      return fail(ErrorKind::kInvalid, "choose an engine", *name, 0, "--engine is auto, ebpf or netfilter");
  }
  const std::string attach = invocation.options["attach"].as<std::string>();
  if (attach == "tcx")
    out.attachment = contract::ATTACHMENT_TCX;
  else if (attach == "clsact")
    out.attachment = contract::ATTACHMENT_CLSACT;
  else if (attach != "auto")
    return fail(ErrorKind::kInvalid, "attach by", attach, 0, "--attach is auto, tcx or clsact");
  if (attach != "auto" && out.engine == contract::ENGINE_NETFILTER)
    return fail(ErrorKind::kInvalid, "attach by", attach, 0, "--attach is for the eBPF engine");
  if (attach != "auto") out.engine = contract::ENGINE_EBPF;
  return out;
}

void declare_drill(po::options_description& options) {
  declare_engine(options);
  auto add = options.add_options();
  add("metrics", po::value<std::string>()->value_name("FILE.prom"),
      "also write the metrics, for node_exporter's textfile collector");
  add("metrics-listen", po::value<std::string>()->value_name("ADDRESS:PORT"),
      "serve the metrics on /metrics while the run lasts");
  add("alerts", po::value<std::string>()->value_name("ADDRESS:PORT"),
      "listen for an Alertmanager's webhook while the run lasts: an alert that fires after the cut detects "
      "it");
  add("ci", "no questions, no colour, a plain line of progress a phase");
  add("yes,y", "do not ask before the cut");
  add("override-window", po::value<std::string>()->value_name("WHY"),
      "start outside the experiment's windows; WHY is recorded, and --ci may not");
  declare_report_files(options);
  declare_state(options);
}

int drill(const Experiment& experiment, const Topology& topology, const Invocation& invocation, bool ad_hoc) {
  const bool json = invocation.json;
  auto chosen = plan_options(invocation);
  if (!chosen) return report(chosen.error(), json);
  chosen->ad_hoc = ad_hoc;
  const auto files = report_files_of(invocation);
  if (!files) return report(files.error(), json);

  const auto window_override = option(invocation, "override-window");
  if (window_override && invocation.options.count("ci"))
    return usage_error("run", "--override-window is for a person, not for --ci");
  if (window_override && window_override->empty())
    return usage_error("run", "--override-window needs to know why");

  const auto plan = make_plan(topology, experiment, *chosen);
  if (!plan) return report(plan.error(), json);

  RunRegistry registry = registry_of(invocation);
  if (auto stopped = registry.may_start(); !stopped) {
    stopped.error().operation = "run " + experiment.name + ": " + stopped.error().operation;
    return report(stopped.error(), json);
  }
  EmbeddedChannel channel(agents_folder(topology.name));
  const auto hosts = channel.hosts();
  if (!hosts)
    return report(Error{ErrorKind::kMissing, hosts.error().operation, hosts.error().object,
                        hosts.error().code, "run as root"},
                  json);
  if (hosts->empty())
    return report(
        Error{ErrorKind::kRefused, "run " + experiment.name + ": no agents listen for topology",
              topology.name, 0, "blackstart lab up " + (topology.file.empty() ? "TOPOLOGY" : topology.file)},
        json);
  std::unique_ptr<LiveMetrics> live_metrics;
  if (const auto address = option(invocation, "metrics-listen")) {
    auto made = LiveMetrics::make(*address);
    if (!made) return report(made.error(), json);
    live_metrics = std::move(*made);
  }
  std::unique_ptr<AlertListener> alerts;
  if (const auto address = option(invocation, "alerts")) {
    auto made = AlertListener::make(*address);
    if (!made) return report(made.error(), json);
    alerts = std::move(*made);
  }
  if (!json) std::cerr << announcement(*plan, experiment.absent());
  if (!confirmed(invocation))
    return report(Error{ErrorKind::kRefused, "run " + experiment.name + ": nobody confirmed it", "", 0,
                        "--yes starts without asking"},
                  json);

  RunRecord record{RunRegistry::new_run_id(),
                   experiment.name,
                   topology.name,
                   agents_folder(topology.name),
                   unix_now(),
                   0,
                   0};
  const auto open = registry.open(record);
  if (!open) return report(open.error(), json);
  const std::string folder = registry.kept_folder(record.run);
  const std::string plan_text = json_text(report::plan_json(*plan));
  if (auto ok = write_file(folder + "/plan.json", plan_text); !ok) return report(ok.error(), json);
  auto log = EventLog::create(folder + "/events.jsonl");
  if (!log) return report(log.error(), json);
  if (auto ok = seal_plan(*log, plan_text); !ok) return report(ok.error(), json);

  auto marks = MarksTaken::open(registry.marks_file(record.run));
  if (!marks) return report(marks.error(), json);

  std::optional<ReturnsTaken> returns;
  if (!plan->stages.empty()) {
    auto made = ReturnsTaken::open(registry.returns_file(record.run), *plan);
    if (!made) return report(made.error(), json);
    returns = std::move(*made);
  }

  catch_signals();
  std::unique_ptr<OwnPlace> own_place;
  if (asks_from_own_place(experiment)) {
    auto made = OwnPlace::make(channel, registry.live_folder(record.run));
    if (!made) return report(made.error(), json);
    own_place = std::move(*made);
  }
  Channel& everyone = own_place ? static_cast<Channel&>(*own_place) : channel;
  Outcome outcome;
  {
    const RunClock clock;
    Announcer announcer(*plan, experiment, record.run, [&](const std::string& line) {
      (json ? std::cerr : std::cout) << line << std::endl;
    });
    Recorder recorder(*log, announcer, registry.stand_file(record.run), json,
                      invocation.options.count("ci") > 0);
    ConductOptions options;
    options.run = record.run;
    options.observer = &recorder;
    options.window_override = window_override.value_or("");
    options.now = [&] { return clock.now(); };
    options.clock_set = [&] { return clock.set(); };
    options.sleep = [](Duration duration) { std::this_thread::sleep_for(duration); };
    options.abort_requested = [&]() -> std::optional<std::string> {
      if (const int number = caught_signal.load()) return std::string("stopped by ") + strsignal(number);
      return registry.abort_requested(record.run);
    };
    options.alerts = alerts != nullptr;
    options.said = [&](bool last) {
      std::vector<SaidMark> said = alerts ? alerts->take() : std::vector<SaidMark>{};
      for (OutcomeMark& mark : last ? marks->close() : marks->take()) said.push_back({std::move(mark)});
      return said;
    };
    if (returns) options.said_returns = [&](bool last) { return last ? returns->close() : returns->take(); };
    if (live_metrics) options.so_far = [&](const Outcome& so_far) { live_metrics->show(so_far); };
    outcome = conduct(*plan, experiment, topology, everyone, options);
    if (!recorder.failure().empty())
      outcome.notes.push_back("the event log is incomplete: " + recorder.failure());
    if (const std::string unheard = announcer.finish(); !unheard.empty()) outcome.notes.push_back(unheard);
  }
  if (live_metrics) live_metrics->show(outcome);
  outcome.log_file = folder + "/events.jsonl";
  outcome.versions = versions();

  int code = outcome.exit_code;
  const auto keep = [&](const std::string& path, const std::string& text) {
    if (auto ok = write_file(path, text); !ok) code = graver(code, report(ok.error(), false));
  };
  // What is kept does not hold the head of the log, which is made from it.
  const std::string kept = json_text(outcome_json(outcome));
  keep(folder + "/outcome.json", kept);
  if (auto ok = seal_outcome(*log, kept); !ok)
    code = graver(code, report(ok.error(), false));
  else
    outcome.log_head = log->head();
  const Outcome public_outcome = shown(*files, outcome);
  if (auto ok = write_reports(*files, public_outcome); !ok) code = graver(code, report(ok.error(), false));
  if (const auto path = option(invocation, "metrics")) keep(*path, prometheus_text(outcome));
  if (json)
    std::cout << json_text(outcome_json(public_outcome));
  else if (outcome.verdict == Verdict::kNone)
    std::cerr << "blackstart: " << outcome.reason << "\n"
              << (was_armed(outcome) ? "    every host has been reverted\n" : "    nothing was touched\n")
              << "    what was asked and what it said: blackstart report " << record.run << "\n";
  else
    std::cout << report::terminal_text(public_outcome,
                                       isatty(STDOUT_FILENO) != 0 && !invocation.options.count("ci"),
                                       files->edition)
              << "  again: blackstart report " << record.run << "\n";
  return code;
}

}  // namespace blackstart::cli
