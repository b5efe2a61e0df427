#include <fmt/format.h>

#include "daemon/manager/attempts.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/states/all.h"
#include "daemon/manager/states/under_way.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kStopped,   JobState::kWaiting,
                                 JobState::kEnded,     JobState::kFailed,
                                 JobState::kCancelled, JobState::kNeedsDecision};

/// The attempt is to take a last checkpoint, publish it and end; `next` of the record, durable
/// before the lead is asked, says what then.
class StoppingState final : public UnderWay {
 public:
  JobState name() const override { return JobState::kStopping; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  void WhenDurable(Job& job, Turn& turn) const override { AskToStop(job, turn); }
  void OnPhase(Job& job, AttemptPhase, Turn& turn) const override {
    if (job.durable()) AskToStop(job, turn);
  }

  /// Takes the place of what it stops for; the checkpoint is the same.
  Status Stop(Job& job, const commands::Stop& stop, Turn& turn) const override {
    NextStep next;
    next.drain = stop.drain;
    job.record.next = std::move(next);
    turn.Changed(job);
    return Status::Ok();
  }
  Status Rescale(Job& job, const commands::Rescale& rescale, Turn& turn) const override {
    return PlanRescale(job, rescale, turn);
  }
  Status Upgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn) const override {
    return PlanUpgrade(job, upgrade, turn);
  }

  std::string Describe(const Job& job, const Cluster&, Duration now) const override {
    return fmt::format("{} takes its last checkpoint, since {}, to {}", DescribeAttempt(job),
                       DescribeSpan({now.us - job.since.us}), NameOf(job.record.next->purpose));
  }

 protected:
  void OnStopped(Job& job, const AttemptOutcome& outcome, Turn& turn) const override {
    JobRecord& record = job.record;
    if (outcome.savepoint > 0) record.savepoint = outcome.savepoint;
    if (outcome.began) record.choices = {};
    const NextStep::Purpose purpose = record.next->purpose;
    if (purpose == NextStep::Purpose::kStop) {
      if (outcome.savepoint == 0) {
        record.note =
            "it was stopped before rows flowed: what its last checkpoint holds unpublished waits "
            "for the next start";
      }
      record.failure.reset();
      record.failures_in_row = 0;
      GiveUpAttempt(job, TellWorkers::kNow, /*ended_by_lead=*/true, turn);
      Rest(job, JobState::kStopped, turn);
      return;
    }
    RememberRestart(job, DescribeChange(job), turn);
    GiveUpAttempt(job, TellWorkers::kNow, /*ended_by_lead=*/true, turn);
    // Stopped before the old text had begun, what it has sealed may be unpublished (rule 21).
    if (purpose != NextStep::Purpose::kUpgrade || outcome.savepoint > 0) ApplyNext(job, turn);
    job.try_at = {};
    turn.MoveTo(job, JobState::kWaiting);
  }

 private:
  static std::string DescribeChange(const Job& job) {
    const JobRecord& record = job.record;
    switch (record.next->purpose) {
      case NextStep::Purpose::kRescale:
        return fmt::format("rescaled from {} to {}", record.parallelism, record.next->parallelism);
      case NextStep::Purpose::kUpgrade:
        return fmt::format("upgraded to version {} of its text", record.next->text.version);
      default:
        return "moved away from a worker that is drained";
    }
  }
};

}  // namespace

const State& Stopping() {
  static const StoppingState state;
  return state;
}

}  // namespace weir::manager::states
