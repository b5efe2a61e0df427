#include <algorithm>

#include <fmt/format.h>

#include "daemon/manager/attempts.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/states/all.h"
#include "daemon/manager/states/under_way.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kStopping,  JobState::kWaiting,
                                 JobState::kEnded,     JobState::kFailed,
                                 JobState::kCancelled, JobState::kNeedsDecision};

constexpr Duration kAskAgain = Duration::Seconds(2);

/// Rows flow. A change that was asked for while it started is begun at once.
class RunningState final : public UnderWay {
 public:
  JobState name() const override { return JobState::kRunning; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  void Enter(Job& job, Turn& turn) const override {
    JobRecord& record = job.record;
    record.choices = {};
    record.note.clear();
    if (!record.history.empty() && record.history.back().downtime.us < 0) {
      RestartRecord& last = record.history.back();
      last.downtime = {std::max<int64_t>(0, turn.wall().us - last.at.us)};
      record.downtime.us += last.downtime.us;
    }
    job.load = {};
    turn.LookForRoom();  // A worker of it may have been drained meanwhile.
    if (record.next) turn.MoveTo(job, JobState::kStopping);
  }

  void OnReport(Job& job, const AttemptReport& report, Turn& turn) const override {
    if (report.checkpoints_completed > 0 && job.record.failures_in_row > 0) {
      job.record.failures_in_row = 0;  // Stored, so that a new manager begins a new series, too.
      turn.Changed(job);
    }
    AnswerSavepoint(job, report, turn);
    Autoscale(job, report, turn);
  }

  void OnPhase(Job& job, AttemptPhase, Turn& turn) const override {
    if (job.savepoint_asked && turn.now().us - job.savepoint_asked->told_at.us > kAskAgain.us) {
      AskForSavepoint(job, turn);
    }
  }

  Status Stop(Job& job, const commands::Stop& stop, Turn& turn) const override {
    NextStep next;
    next.drain = stop.drain;
    job.record.next = std::move(next);
    turn.MoveTo(job, JobState::kStopping);
    return Status::Ok();
  }
  Status Savepoint(Job& job, RequestId request, Turn& turn) const override {
    if (job.savepoint_asked) {
      return Status(errors::kChangeUnderWay,
                    fmt::format("job {} takes a savepoint just now", job.record.name),
                    "ask again once it is taken");
    }
    job.savepoint_asked = Job::SavepointAsked{request, {}};
    AskForSavepoint(job, turn);
    return Status::Ok();
  }
  Status Rescale(Job& job, const commands::Rescale& rescale, Turn& turn) const override {
    WEIR_TRY(PlanRescale(job, rescale, turn));
    turn.MoveTo(job, JobState::kStopping);
    return Status::Ok();
  }
  Status Upgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn) const override {
    WEIR_TRY(PlanUpgrade(job, upgrade, turn));
    turn.MoveTo(job, JobState::kStopping);
    return Status::Ok();
  }
  bool Move(Job& job, Turn& turn) const override {
    PlacementRequest request;
    request.parallelism = job.record.parallelism;
    request.previous = job.record.previous_workers;
    const auto placement = turn.cluster().Place(job.record, request, turn.now());
    if (!placement) return false;
    Reserve(job, *placement, turn);
    NextStep next;
    next.purpose = NextStep::Purpose::kMove;
    job.record.next = std::move(next);
    turn.MoveTo(job, JobState::kStopping);
    return true;
  }

  std::string Describe(const Job& job, const Cluster&, Duration) const override {
    std::string text = DescribeAttempt(job) + " runs";
    if (!job.report) return text;
    if (job.report->lag_records >= 0) text += fmt::format(", lag {}", job.report->lag_records);
    if (!job.report->held_by.empty()) {
      text += "; the checkpoint under way waits for " + job.report->held_by;
    }
    return text;
  }

 private:
  static void AskForSavepoint(Job& job, Turn& turn) {
    const AttemptRecord& attempt = *job.record.attempt;
    turn.TellWorker(
        attempt.placement.lead(),
        tell::StopAttempt{job.record.name, attempt.id, tell::StopAttempt::Kind::kSavepointOnly,
                          false, job.savepoint_asked->request});
    job.savepoint_asked->told_at = turn.now();
  }

  static void AnswerSavepoint(Job& job, const AttemptReport& report, Turn& turn) {
    if (!report.savepoint) return;
    const SavepointAnswer& answer = *report.savepoint;
    if (!answer.failure && answer.number > job.record.savepoint) {
      job.record.savepoint = answer.number;
      turn.Changed(job);
    }
    if (!job.savepoint_asked) return;
    const RequestId request = job.savepoint_asked->request;
    if (answer.id != SavepointId{turn.term(), request}) return;
    job.savepoint_asked.reset();
    if (answer.failure) {
      turn.Say(actions::Reply{request, answer.failure->ToStatus()});
    } else {
      turn.WhenStored(job, actions::Reply{request, Status::Ok(), answer.number, answer.location});
    }
  }

  void Autoscale(Job& job, const AttemptReport& report, Turn& turn) const {
    const auto& bounds = job.record.policy.autoscale;
    if (!bounds || turn.now().us - job.since.us < bounds->cooldown.us) return;
    job.load.Add(report.busy, report.rows_per_second, report.lag_records, turn.now());
    if (job.load.ended.us - job.load.began.us < bounds->window.us) return;
    const LoadWindow load = std::exchange(job.load, {});
    const uint32_t current = job.record.parallelism;
    const uint32_t room = turn.cluster().Room(job.record, turn.now());
    const uint32_t wanted = WantedParallelism(*bounds, load, current, room);
    if (wanted == current) return;
    const Status status = Rescale(job, {job.record.name, wanted}, turn);
    turn.Say(actions::Audit{"weir", "rescale", job.record.name,
                            fmt::format("from {} to {}: busy {:.2f} of {:.2f} wanted, lag {} to {}",
                                        current, wanted, load.busy_sum / load.samples,
                                        bounds->target_busy, load.lag_at_start, load.lag_at_end),
                            status.ok() ? "accepted" : std::string(status.code().id)});
  }
};

}  // namespace

const State& Running() {
  static const RunningState state;
  return state;
}

}  // namespace weir::manager::states
