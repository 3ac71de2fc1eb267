// SPDX-License-Identifier: Apache-2.0
// What an agent does with its requests; the kernel is a recording stand-in, the traffic family itself
// is tested in the bpf and netns tiers.
#include <gtest/gtest.h>

#include <filesystem>

#include "agents/contract/wire.h"
#include "agents/runtime/check_order.h"
#include "agents/runtime/runtime.h"
#include "tests/support/promise.h"

namespace blackstart {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Kernel {
  int armed = 0, fired = 0, reverted = 0;
  int64_t t0 = 0;
  Word word;
  bool can_arm = true, can_revert = true;
  int lifted = 0;
  bool down = false;  // a fault has killed a service
};

class RecordingFamily final : public FaultFamily {
 public:
  explicit RecordingFamily(Kernel& kernel) : kernel_(kernel) {}

 private:
  Result<> do_arm(const contract::Order&) override {
    if (!kernel_.can_arm) return fail_errno(EPERM, "attach");
    ++kernel_.armed;
    return {};
  }
  Result<> do_fire(int64_t t0, const Word& word) override {
    ++kernel_.fired;
    kernel_.t0 = t0;
    kernel_.word = word;
    return {};
  }
  Result<> do_renew(const Word& word) override {
    kernel_.word = word;
    return {};
  }
  void do_observe(contract::HostReport& report) const override {
    auto& fault = *report.add_faults();
    fault.set_id("f1");
    fault.set_state(contract::FAULT_FIRING);
    if (kernel_.down) report.add_down()->set_service("login");
  }
  Result<> do_lift() override {
    ++kernel_.lifted;
    return {};
  }
  Result<> do_revert() override {
    ++kernel_.reverted;
    if (!kernel_.can_revert) return fail(ErrorKind::kStranded, "detach", "eth0", EBUSY);
    return {};
  }
  Kernel& kernel_;
};

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() : prober_(Prober::make({}).value()) {
    RuntimeParts parts;
    parts.make_families = [this]() -> Result<std::vector<std::unique_ptr<FaultFamily>>> {
      std::vector<std::unique_ptr<FaultFamily>> families;
      families.push_back(std::make_unique<RecordingFamily>(kernel_));
      return families;
    };
    parts.policy = lab_policy();
    parts.residue = [this] { return residue_; };
    // What the test says has changed is what has changed since the first snapshot.
    parts.snapshot = [this]() -> ChangesSince {
      ++snapshots_;
      return [this] { return changes_; };
    };
    parts.prober = prober_.get();
    parts.now = [this] { return now_; };
    parts.stop = [this] { return stop_; };
    parts.deadline = [this](int64_t moment) { deadline_ = moment; };
    runtime_ = std::make_unique<Runtime>(AgentIdentity{"pangyo-app-1", "pangyo", "boot"}, parts);
  }

  static contract::Request arm(const std::string& run, bool hold = false) {
    contract::Request request;
    auto& order = *request.mutable_arm()->mutable_order();
    order.set_run(run);
    order.set_host("pangyo-app-1");
    order.set_lease_ns(15 * kSecond);
    order.set_hold(hold);
    auto& fault = *order.add_faults();
    fault.set_id("f1");
    fault.set_kind("site-blackhole");
    fault.set_end_ns(60 * kSecond);
    return request;
  }
  static contract::Request fire(const std::string& run, UnixNs t0) {
    contract::Request request;
    request.mutable_fire()->set_run(run);
    request.mutable_fire()->set_t0_unix_ns(t0);
    request.mutable_fire()->set_horizon_ns(INT64_MAX);
    return request;
  }
  static contract::Request collect(const std::string& run) {
    contract::Request request;
    request.mutable_collect()->set_run(run);
    request.mutable_collect()->set_renew(true);
    return request;
  }
  static contract::Request revert(const std::string& run) {
    contract::Request request;
    request.mutable_revert()->set_run(run);
    request.mutable_revert()->set_reason("abort");
    return request;
  }
  static contract::Request hello() {
    contract::Request request;
    request.mutable_hello();
    return request;
  }
  bool accepted(const contract::Request& request) { return !runtime_->answer(request).has_failure(); }

  Kernel kernel_;
  std::vector<std::string> residue_;
  std::vector<contract::Residue> changes_;
  int snapshots_ = 0;
  std::unique_ptr<Prober> prober_;
  int64_t now_ = monotonic_now();
  std::optional<Stop> stop_;
  int64_t deadline_ = INT64_MAX;  // as the sentinel knows it
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(RuntimeTest, OneRunHoldsTheHost) {
  proves("S12");
  EXPECT_TRUE(accepted(arm("a")));
  const auto refused = runtime_->answer(arm("b"));
  ASSERT_TRUE(refused.has_failure());
  EXPECT_EQ(from_wire(refused.failure()).kind, ErrorKind::kRefused);
  EXPECT_NE(refused.failure().hint().find("run a holds it"), std::string::npos);
  EXPECT_FALSE(accepted(fire("b", unix_now())));
  EXPECT_FALSE(accepted(revert("b")));
  EXPECT_EQ(kernel_.reverted, 0);
  EXPECT_TRUE(accepted(revert("a")));
  EXPECT_TRUE(accepted(arm("b")));
}

TEST_F(RuntimeTest, NothingIsHeldAfterArmingFailed) {
  kernel_.can_arm = false;
  EXPECT_FALSE(accepted(arm("a")));
  EXPECT_EQ(runtime_->answer(hello()).report().run(), "");
}

// Writes a step down, then fails, and cannot take it back.
class StrandingFamily final : public FaultFamily {
 public:
  explicit StrandingFamily(StepLog& log) : log_(log) {}

 private:
  Result<> do_arm(const contract::Order&) override {
    contract::Step step;
    step.mutable_clsact_qdisc()->set_interface("eth0");
    if (auto recorded = log_.record(step); !recorded) return tl::unexpected(recorded.error());
    return fail_errno(EPERM, "attach");
  }
  Result<> do_fire(int64_t, const Word&) override { return {}; }
  Result<> do_renew(const Word&) override { return {}; }
  void do_observe(contract::HostReport&) const override {}
  Result<> do_revert() override { return fail(ErrorKind::kStranded, "remove", "a qdisc"); }
  StepLog& log_;
};

TEST_F(RuntimeTest, WhatAFailedArmLeavesIsReapedAtOnceOrSaid) {
  proves("S2,S8");
  const std::string path = testing::TempDir() + "blackstart-runtime-test";
  std::filesystem::remove_all(path);
  const auto folder = StateFolder::claim(path);
  ASSERT_TRUE(folder);
  const auto journal = Journal::open(*folder, {"boot", 1});
  ASSERT_TRUE(journal);
  bool can_reap = true;
  RuntimeParts parts;
  parts.policy = lab_policy();
  parts.prober = prober_.get();
  parts.journal = journal->get();
  parts.make_families = [&]() -> Result<std::vector<std::unique_ptr<FaultFamily>>> {
    std::vector<std::unique_ptr<FaultFamily>> families;
    families.push_back(std::make_unique<StrandingFamily>(**journal));
    return families;
  };
  parts.reap = [&]() -> Result<> {
    if (!can_reap) return fail_errno(EBUSY, "remove", "clsact qdisc of eth0");
    for (const StandingStep& one : std::vector((*journal)->standing())) (void)(*journal)->taken_back(one.id);
    return (*journal)->end();
  };
  Runtime runtime({"pangyo-app-1", "pangyo", "boot"}, parts);
  const Error why = from_wire(runtime.answer(arm("a")).failure());
  EXPECT_EQ(why.code, EPERM) << why.message();
  EXPECT_NE(why.kind, ErrorKind::kStranded);
  EXPECT_TRUE((*journal)->standing().empty());
  can_reap = false;
  const Error stranded = from_wire(runtime.answer(arm("a")).failure());
  EXPECT_EQ(stranded.kind, ErrorKind::kStranded) << stranded.message();
  EXPECT_NE(stranded.message().find("attach"), std::string::npos) << "and why it was there at all";
  std::filesystem::remove_all(path);
}

TEST_F(RuntimeTest, DoesNotFireWhatItHeardOfTooLate) {
  EXPECT_TRUE(accepted(arm("a")));
  for (const UnixNs moment : {unix_now() + 120 * kSecond, INT64_MAX, INT64_MIN + 1})
    EXPECT_FALSE(accepted(fire("a", moment))) << "nobody waits that long";
  EXPECT_EQ(kernel_.fired, 0);
  const auto late = runtime_->answer(fire("a", unix_now() - 2 * kSecond));
  ASSERT_TRUE(late.has_failure());
  EXPECT_NE(late.failure().hint().find("too late, and did not fire"), std::string::npos);
  EXPECT_EQ(kernel_.fired, 0);
  EXPECT_EQ(kernel_.reverted, 1);
}

TEST_F(RuntimeTest, RevertsOneLeaseAfterTheLastWord) {
  proves("S3");
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  now_ += 10 * kSecond;
  EXPECT_TRUE(accepted(collect("a")));
  EXPECT_EQ(kernel_.word.lease_end, now_ + 15 * kSecond);
  now_ += 14 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 0);
  now_ += 2 * kSecond;
  EXPECT_LE(runtime_->next_tick(), now_);
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 1);
  EXPECT_EQ(runtime_->answer(collect("a")).report().note(), "lease");
}

TEST_F(RuntimeTest, ALeaseThatLapsedIsNotRenewed) {
  proves("S3");
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  now_ += 16 * kSecond;  // the agent was stopped; the conductor's word waited in its queue
  EXPECT_EQ(runtime_->answer(collect("a")).report().note(), "lease");
  EXPECT_EQ(kernel_.reverted, 1);
}

TEST_F(RuntimeTest, OneRunProbesFromTheHost) {
  contract::Request probe;
  probe.mutable_start_probes()->set_run("a");
  EXPECT_TRUE(accepted(probe));
  probe.mutable_start_probes()->set_run("b");
  EXPECT_FALSE(accepted(probe));
  now_ += 4 * kSecond;  // its conductor is gone
  EXPECT_TRUE(accepted(probe));
  probe.mutable_start_probes()->set_run("a");
  EXPECT_FALSE(accepted(probe));
  contract::Request stop;
  stop.mutable_stop_probes()->set_run("b");
  EXPECT_TRUE(accepted(stop));
  EXPECT_TRUE(accepted(probe));
}

TEST_F(RuntimeTest, SomebodyElsesWordRenewsNothing) {
  proves("S3");
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  const int64_t before = kernel_.word.lease_end;
  now_ += kSecond;
  EXPECT_TRUE(accepted(collect("b")));
  EXPECT_TRUE(accepted(hello()));
  EXPECT_EQ(kernel_.word.lease_end, before);
}

TEST_F(RuntimeTest, HoldsUntilTheDeadlineAndNotLonger) {
  proves("S1,S3");
  EXPECT_TRUE(accepted(arm("a", true)));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  EXPECT_EQ(kernel_.word.lease_end, INT64_MAX);
  now_ += 59 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 0);
  now_ += 2 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 1);
  EXPECT_EQ(runtime_->answer(hello()).report().run(), "");
}

TEST_F(RuntimeTest, AtTheDeadlineWhatWasKilledWaitsForTheConductorOneLease) {
  proves("S1,S3");
  kernel_.down = true;
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  for (int i = 0; i < 6; ++i) {
    now_ += 10 * kSecond;
    EXPECT_TRUE(accepted(collect("a")));
  }
  now_ += kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.lifted, 1);
  EXPECT_EQ(kernel_.reverted, 0);
  EXPECT_TRUE(runtime_->answer(hello()).report().lifted());
  now_ += 14 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 0);
  now_ += 2 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 1) << "no word came";
  EXPECT_EQ(kernel_.lifted, 1);
}

TEST_F(RuntimeTest, AnArmedOrderNobodyFiresLapsesEvenWithHold) {
  proves("S3");
  EXPECT_TRUE(accepted(arm("a", true)));
  now_ += 16 * kSecond;
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 1);
}

TEST_F(RuntimeTest, TheLastReportOutlivesTheRun) {
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  EXPECT_TRUE(accepted(revert("a")));
  const auto report = runtime_->answer(collect("a")).report();
  ASSERT_EQ(report.faults_size(), 1);
  EXPECT_EQ(report.faults(0).state(), contract::FAULT_REVERTED);
  EXPECT_TRUE(accepted(revert("a")));  // again: nothing to do
  EXPECT_EQ(kernel_.reverted, 1);
}

TEST_F(RuntimeTest, SaysWhatIsStranded) {
  proves("S8");
  EXPECT_TRUE(accepted(arm("a")));
  kernel_.can_revert = false;
  residue_ = {"tcx link eth0"};
  const auto reply = runtime_->answer(revert("a"));
  ASSERT_TRUE(reply.has_failure());
  EXPECT_EQ(from_wire(reply.failure()).kind, ErrorKind::kStranded);
  EXPECT_EQ(runtime_->answer(hello()).report().residue(0), "tcx link eth0");
}

TEST_F(RuntimeTest, AStopFileEndsWhatIsHeldAndRefusesMore) {
  proves("S7");
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  EXPECT_LE(runtime_->next_tick(), now_ + kStopFilesEvery.count()) << "somebody has to look";
  stop_ = Stop{"lever", "blackstart lever release"};
  runtime_->tick();
  EXPECT_EQ(kernel_.reverted, 1);
  EXPECT_EQ(runtime_->answer(collect("a")).report().note(), "lever");
  const auto refused = runtime_->answer(arm("b"));
  ASSERT_TRUE(refused.has_failure());
  EXPECT_EQ(refused.failure().hint(), "blackstart lever release");
  stop_.reset();
  EXPECT_TRUE(accepted(arm("b")));
  stop_ = Stop{"abort file", "rm it"};
  EXPECT_FALSE(accepted(fire("b", unix_now()))) << "it came between arming and firing";
  EXPECT_EQ(kernel_.fired, 1);
}

TEST_F(RuntimeTest, TheSentinelKnowsTheDeadlineOfWhatIsHeld) {
  proves("S1,S3");
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_EQ(deadline_, now_ + 15 * kSecond) << "nobody fires it: one lease";
  EXPECT_TRUE(accepted(fire("a", unix_now())));
  now_ += 5 * kSecond;
  EXPECT_TRUE(accepted(collect("a")));
  EXPECT_EQ(deadline_, now_ + 15 * kSecond) << "renewed";
  EXPECT_TRUE(accepted(revert("a")));
  EXPECT_EQ(deadline_, INT64_MAX);
}

TEST_F(RuntimeTest, SaysWhatChangedSinceTheRunArmed) {
  contract::Residue route;
  route.set_kind("route");
  route.set_change("appeared");
  changes_ = {route};
  EXPECT_EQ(runtime_->answer(hello()).report().changes_size(), 0);  // no run, so nothing to compare with
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_TRUE(accepted(arm("a")));
  EXPECT_EQ(snapshots_, 1) << "what a run did before it armed again is its own too";
  EXPECT_EQ(runtime_->answer(hello()).report().changes_size(), 0);  // while it is held nothing is over
  EXPECT_TRUE(accepted(revert("a")));
  EXPECT_EQ(runtime_->answer(hello()).report().changes_size(), 1);
  EXPECT_TRUE(accepted(arm("b")));
  EXPECT_EQ(snapshots_, 2);
}

TEST(CheckOrder, RefusesWhatNoConductorShouldSend) {
  proves("S11");
  const auto good = [] {
    contract::Order order;
    order.set_run("a");
    order.set_host("h");
    order.set_lease_ns(kSecond);
    auto& fault = *order.add_faults();
    fault.set_id("f1");
    fault.set_end_ns(60 * kSecond);
    to_wire(*Prefix::parse("198.18.1.0/24"), fault.add_rules()->add_peers());
    return order;
  };
  EXPECT_TRUE(check_order(good(), "h"));
  const auto refused = [&](auto spoil) {
    contract::Order order = good();
    spoil(order);
    return !check_order(order, "h");
  };
  EXPECT_TRUE(refused([](auto& order) { order.set_host("other"); }));
  EXPECT_TRUE(refused([](auto& order) { order.clear_run(); }));
  EXPECT_TRUE(refused([](auto& order) { order.clear_lease_ns(); }));
  EXPECT_TRUE(refused([](auto& order) { order.mutable_faults(0)->clear_end_ns(); }));
  EXPECT_TRUE(refused([](auto& order) { order.mutable_faults(0)->set_end_ns(13 * 3600 * kSecond); }));
  EXPECT_TRUE(refused([](auto& order) { order.mutable_faults(0)->set_start_ns(-1); }));
  EXPECT_TRUE(refused([](auto& order) { *order.add_faults() = order.faults(0); }));
  EXPECT_TRUE(refused(
      [](auto& order) { order.mutable_faults(0)->mutable_rules(0)->mutable_peers(0)->set_length(40); }));
  EXPECT_TRUE(
      refused([](auto& order) { order.mutable_faults(0)->mutable_rules(0)->add_ports()->set_port(70000); }));
}

}  // namespace
}  // namespace blackstart
