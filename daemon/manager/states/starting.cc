#include <fmt/format.h>

#include "daemon/manager/attempts.h"
#include "daemon/manager/states/all.h"
#include "daemon/manager/states/under_way.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kRunning,   JobState::kWaiting,      JobState::kStopping,
                                 JobState::kStopped,   JobState::kEnded,        JobState::kFailed,
                                 JobState::kCancelled, JobState::kNeedsDecision};

/// The attempt is in the record; once that is durable its lead is told. The lead recovers: rows do
/// not flow yet.
class StartingState final : public UnderWay {
 public:
  JobState name() const override { return JobState::kStarting; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  void WhenDurable(Job& job, Turn& turn) const override { DeployAttempt(job, turn); }
  void OnPhase(Job& job, AttemptPhase phase, Turn& turn) const override {
    if (phase != AttemptPhase::kRecovering) turn.MoveTo(job, JobState::kRunning);
  }

  Status Stop(Job& job, const commands::Stop& stop, Turn& turn) const override {
    if (stop.drain && !job.deployed) {
      return WrongState(job,
                        "windows are closed by tasks that run: ask again once they do, or "
                        "stop it without --drain");
    }
    NextStep next;
    next.drain = stop.drain;
    job.record.next = std::move(next);
    if (job.deployed) {
      turn.MoveTo(job, JobState::kStopping);
      return Status::Ok();
    }
    // It never began.
    GiveUpAttempt(job, TellWorkers::kNow, /*ended_by_lead=*/false, turn);
    Rest(job, JobState::kStopped, turn);
    return Status::Ok();
  }
  Status Rescale(Job& job, const commands::Rescale& rescale, Turn& turn) const override {
    return PlanRescale(job, rescale, turn);
  }
  Status Upgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn) const override {
    return PlanUpgrade(job, upgrade, turn);
  }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    if (!job.deployed) return DescribeAttempt(job) + " is about to be told to its workers";
    return DescribeAttempt(job) + (job.taken_up ? " recovers" : " is not yet taken up by its lead");
  }
};

}  // namespace

const State& Starting() {
  static const StartingState state;
  return state;
}

}  // namespace weir::manager::states
