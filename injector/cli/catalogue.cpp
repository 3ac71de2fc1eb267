// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/command.h"

namespace blackstart::cli {

const std::vector<Command>& catalogue() {
  static const std::vector<Command> commands{
      {"validate", "FILE...", "report every problem of topologies and experiments", declare_validate,
       run_validate},
      {"plan", "EXPERIMENT", "show what an experiment would do and break; writes nothing", declare_plan,
       run_plan},
      {"run", "EXPERIMENT", "conduct an experiment, from steady state to verdict", declare_run, run_run},
      {"blackhole", "SITE", "ad-hoc drill: a site goes dark for a while", declare_blackhole, run_blackhole},
      {"kill", "[SERVICE]", "ad-hoc drill: processes die, or freeze, for a while", declare_kill, run_kill},
      {"abort", "[RUN]", "end a run, or every run, and take its faults off", declare_abort, run_abort},
      {"mark", "detected|acknowledged|command|decided|switched|recovered",
       "say when people reached a milestone of the run under way", declare_mark, run_mark},
      {"return", "HOST|SITE|ROLE|SERVICE", "let come back what the run under way killed and keeps down",
       declare_return, run_return},
      {"lever", "engage [--why TEXT] | release | status", "stop every run and block new ones, until released",
       declare_lever, run_lever},
      {"status", "[RUN]", "show the runs under way and what their hosts say", declare_status, run_status},
      {"runs", "", "list the runs that were kept", declare_runs, run_runs},
      {"report", "RUN", "print the report of a run again, or beside another", declare_report, run_report},
      {"lab", "up FILE | down [NAME|FILE] | status [NAME] | exec HOST CMD...",
       "a topology as network namespaces on this machine", declare_lab, run_lab, true},
      {"doctor", "", "show what can be injected here, with which engine, and what to install", declare_doctor,
       run_doctor},
      {"schema", "[Topology|Experiment|Agent|Plan|Outcome]",
       "print the JSON Schema of the language, of a plan or of an outcome", declare_schema, run_schema},
      {"completion", "bash|zsh", "print a shell completion script", declare_completion, run_completion},
      {"version", "", "print the version", declare_version, run_version},
  };
  return commands;
}

}  // namespace blackstart::cli
