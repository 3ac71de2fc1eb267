// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>
#include <map>
#include <set>

#include "agents/faults/power/host_processes.h"
#include "agents/faults/process/freezer.h"
#include "agents/faults/process/selection.h"
#include "agents/kernel/systemd.h"

namespace blackstart {
namespace {

class Machine : public HostProcesses {
 public:
  Result<> ready(const contract::Order& order) override {
    std::vector<contract::ProcessTarget> spared(order.protection().processes().begin(),
                                                order.protection().processes().end());
    for (const contract::PortMatch& port : order.protection().ports())
      spared.emplace_back().mutable_match()->set_port(port.port());
    for (const contract::ProcessTarget& target : spared) {
      if (target.match().ByteSizeLong() == 0) continue;  // by its name alone nothing is found on a machine
      auto selector = Selector::make(target, {});
      if (!selector) return tl::unexpected(selector.error());
      spared_.push_back(std::move(*selector));
    }
    for (const contract::Fault& fault : order.faults())
      if (fault.process().act() == contract::ProcessFault::POWER_LOSS)
        for (const contract::ProcessTarget& target : fault.process().targets()) {
          auto selector = Selector::make(target, {});
          if (!selector) return tl::unexpected(selector.error());
          targets_.emplace(target.service(), std::move(*selector));
        }
    return {};
  }
  std::vector<HoldDownRule> never_held_down() const override {
    const auto all = list_processes({});
    std::vector<HoldDownRule> out;
    for (const Selector& selector : spared_)
      for (HoldDownRule& rule : selector.exec_rules(all)) out.push_back(std::move(rule));
    return out;
  }
  uint64_t running(const contract::ProcessTarget& target) const override {
    const auto found = targets_.find(target.service());
    if (found == targets_.end()) return 0;
    const auto all = list_processes({});
    return found->second.select(all, spared(all)).processes.size();
  }
  uint64_t running() const override { return everything().processes.size(); }
  bool dark() const override { return everything().processes.empty(); }

 protected:
  [[nodiscard]] Selection everything() const {
    Selection out{.processes = list_processes({}), .cgroups = {}};
    const Spared spare = spared(out.processes);
    std::erase_if(out.processes, [&](const Process& process) {
      return !process.no_fault.empty() || spare.contains(process.pid);
    });
    return out;
  }

 private:
  [[nodiscard]] Spared spared(const std::vector<Process>& all) const {
    Spared out;
    for (const Selector& selector : spared_)
      for (const Process& process : selector.select(all, {}).processes) out.insert(process.pid);
    return out;
  }

  std::vector<Selector> spared_;
  std::map<std::string, Selector> targets_;
};

class KilledMachine final : public Machine {
 public:
  // Systemd gives up on what dies again and again, and so would leave it down.
  Result<std::vector<contract::ProcessTarget>> also() const override {
    std::vector<contract::ProcessTarget> out;
    if (!probe_systemd().available) return out;
    auto units = Systemd::connect().and_then([](Systemd systemd) { return systemd.active_units(); });
    if (!units) return tl::unexpected(units.error());
    for (const std::string& unit : *units) {
      contract::ProcessTarget& target = out.emplace_back();
      target.set_service(unit);
      target.set_restore(contract::RESTORE_UNIT);
      target.mutable_match()->set_unit(unit);
    }
    return out;
  }
  Result<> take_power() override {
    Result<> first;
    for (const Process& process : everything().processes)
      if (const auto sent = signal_process(process, SIGKILL); !sent)
        keep_first(first, tl::unexpected(sent.error()));
    return first;
  }
};

class FrozenMachine final : public Machine {
 public:
  explicit FrozenMachine(StepLog* steps) : freezer_(steps) {}
  Result<> take_power() override {
    return freezer_.freeze([this] { return everything(); }).map([](uint64_t) {});
  }
  // Whoever is there stands still: the freezer has looked until nobody was left.
  bool dark() const override { return freezer_.holds(); }
  bool kills() const override { return false; }
  Result<> give_power() override { return freezer_.thaw(); }

 private:
  Freezer freezer_;
};

class SwitchedOffMachine final : public Machine {
 public:
  Result<> ready(const contract::Order& order) override {
    if (auto systemd = Systemd::connect(); !systemd) return tl::unexpected(systemd.error());
    return Machine::ready(order);
  }
  Result<> take_power() override {
    auto systemd = Systemd::connect();
    if (!systemd) return tl::unexpected(systemd.error());
    const auto asked = systemd->power_off();
    asked_ = asked_ || asked;
    return asked;
  }
  bool dark() const override { return asked_; }

 private:
  bool asked_ = false;
};

}  // namespace

std::unique_ptr<HostProcesses> killed_machine() {
  return std::make_unique<KilledMachine>();
}

std::unique_ptr<HostProcesses> frozen_machine(StepLog* steps) {
  return std::make_unique<FrozenMachine>(steps);
}

std::unique_ptr<HostProcesses> switched_off_machine() {
  return std::make_unique<SwitchedOffMachine>();
}

}  // namespace blackstart
