// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/power/host_processes.h"
#include "agents/kernel/cgroup.h"

namespace blackstart {
namespace {

class LabProcesses final : public HostProcesses {
 public:
  explicit LabProcesses(std::string services) : services_(std::move(services)) {}

  Result<> ready(const contract::Order&) override {
    const auto cgroup = Cgroup::at(services_);
    if (!cgroup) return tl::unexpected(cgroup.error());
    if (cgroup->exists()) return {};
    return fail(ErrorKind::kMissing, "take the power of", cgroup->path(), 0,
                "an agent of a lab stands beside its host's services");
  }
  uint64_t running(const contract::ProcessTarget& target) const override {
    return count(services_ + "/" + target.service());
  }
  uint64_t running() const override { return count(services_); }
  Result<> take_power() override {
    const auto cgroup = Cgroup::at(services_);
    if (!cgroup) return tl::unexpected(cgroup.error());
    return cgroup->signal_kill();
  }
  bool dark() const override {
    const auto cgroup = Cgroup::at(services_);
    return cgroup && !cgroup->populated();
  }

 private:
  static uint64_t count(const std::string& name) {
    const auto cgroup = Cgroup::at(name);
    return cgroup ? cgroup->processes().size() : 0;
  }
  const std::string services_;
};

}  // namespace

std::unique_ptr<HostProcesses> lab_processes(const std::string& services_cgroup) {
  return std::make_unique<LabProcesses>(services_cgroup);
}

}  // namespace blackstart
