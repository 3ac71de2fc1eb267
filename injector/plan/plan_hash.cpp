// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/plan_hash.h"

#include "injector/plan/sha256.h"

namespace blackstart {
namespace {

class Canonical {
 public:
  Canonical& operator<<(const std::string& value) {
    text_ += std::to_string(value.size()) + ":" + value;
    return *this;
  }
  Canonical& operator<<(int64_t value) { return *this << std::to_string(value); }
  Canonical& operator<<(Duration value) { return *this << value.count(); }
  Canonical& operator<<(const std::vector<std::string>& values) {
    count(values.size());
    for (const std::string& value : values) *this << value;
    return *this;
  }
  void count(size_t size) { *this << static_cast<int64_t>(size); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string plan_hash(const Plan& plan) {
  Canonical out;
  out << std::string("blackstart plan 2") << plan.experiment << plan.summary << plan.topology;
  out.count(plan.faults.size());
  for (const PlanFault& fault : plan.faults) {
    out << fault.id << fault.kind << fault.what << fault.targets << fault.start << fault.end << fault.act;
    out.count(fault.processes.size());
    for (const PlanProcess& process : fault.processes)
      out << process.host << process.site << process.service << process.how << int64_t{process.returns}
          << process.unprotected;
  }
  out.count(plan.targets.size());
  for (const PlanTarget& target : plan.targets) {
    out << target.host << target.site << int64_t{target.target} << int64_t{target.enforces};
    out.count(target.faults.size());
    for (const PlanTargetFault& fault : target.faults)
      out << fault.id << fault.kind << fault.engine << fault.start << fault.end;
    out << int64_t{target.cut} << int64_t{target.powered_off};
  }
  out.count(plan.orders.size());
  for (const auto& [host, order] : plan.orders) {
    contract::Order bare = order;
    bare.clear_run();
    bare.clear_plan_hash();
    out << host << bare.SerializeAsString();  // no map fields: one order, one serialisation
  }
  out.count(plan.untouched.size());
  for (const Untouched& entry : plan.untouched) out << entry.what << entry.why;
  out.count(plan.predicted.size());
  for (const auto& [service, impact] : plan.predicted)
    out << service << static_cast<int64_t>(impact.impact) << impact.because;
  out.count(plan.single_site.size());
  for (const SingleSiteDependency& each : plan.single_site)
    out << each.service << each.dependency << each.site << each.evidence;
  out << plan.preconditions << plan.windows.zone;
  for (const auto* windows : {&plan.windows.allowed, &plan.windows.blocked}) {
    out.count(windows->size());
    for (const TimeWindow& window : *windows) out << window.text;
  }
  out << plan.length << plan.warnings << plan.blind << plan.end;
  out.count(plan.stages.size());
  for (const PlanStage& stage : plan.stages) {
    out << stage.roles;
    out.count(stage.instances.size());
    for (const PlanReturn& back : stage.instances)
      out << back.host << back.site << back.service << back.role << int64_t{back.manual};
  }
  out.count(plan.cold_starts.size());
  for (const PlanColdStart& start : plan.cold_starts)
    out << start.id << start.service << start.host << start.site << start.at << start.within;
  out.count(plan.cycles.size());
  for (const auto& cycle : plan.cycles) out << cycle;
  return sha256_hex(out.text());
}

}  // namespace blackstart
