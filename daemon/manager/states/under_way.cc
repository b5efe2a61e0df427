#include "daemon/manager/states/under_way.h"

#include <fmt/format.h>

#include "daemon/manager/attempts.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/errors.h"

namespace weir::manager::states {
namespace {

bool MadeProgress(const Job& job) { return job.report && job.report->checkpoints_completed > 0; }

/// Room for the next attempt, kept until it begins.
Status ReserveRoom(Job& job, uint32_t parallelism, Turn& turn) {
  WEIR_TRY(CheckRoom(job, parallelism, turn));
  PlacementRequest request;
  request.parallelism = parallelism;
  request.previous = job.record.previous_workers;
  request.spread = true;
  const auto placement = turn.cluster().Place(job.record, request, turn.now());
  WEIR_CHECK(placement.has_value());
  Reserve(job, *placement, turn);
  return Status::Ok();
}

Status RefuseSecondChange(const Job& job) {
  if (!job.record.next) return Status::Ok();
  return Status(errors::kChangeUnderWay,
                fmt::format("job {} has another change under way: {}", job.record.name,
                            NameOf(job.record.next->purpose)),
                "ask again once it is through, or cancel the job");
}

}  // namespace

void UnderWay::OnEnded(Job& job, const AttemptOutcome& outcome, Turn& turn) const {
  for (const auto& [one, other] : outcome.unreachable) {
    turn.cluster().KeepApart(one, other, {turn.now().us + turn.options().keep_apart.us});
  }
  switch (outcome.kind) {
    case AttemptOutcome::Kind::kDone:
      GiveUpAttempt(job, TellWorkers::kNow, /*ended_by_lead=*/true, turn);
      job.record.failure.reset();
      job.record.choices = {};
      Rest(job, JobState::kEnded, turn);
      return;
    case AttemptOutcome::Kind::kStopped:
      OnStopped(job, outcome, turn);
      return;
    case AttemptOutcome::Kind::kFailed:
      break;
  }
  AttemptFailure failed;
  failed.failure = outcome.failure;
  failed.progress = outcome.checkpoints_completed > 0 || MadeProgress(job);
  failed.began = outcome.began;
  failed.worker_lost = !outcome.unreachable.empty();
  AfterFailure(job, std::move(failed), /*ended_by_lead=*/true, turn);
}

void UnderWay::OnLost(Job& job, const std::string& reason, Turn& turn) const {
  AttemptFailure failed;
  failed.failure = Failure::Of(Status(errors::kWorkerLost, reason));
  failed.worker_lost = true;
  failed.progress = MadeProgress(job);
  failed.counts = job.taken_up;
  failed.began = job.phase != AttemptPhase::kRecovering;
  AfterFailure(job, std::move(failed), /*ended_by_lead=*/false, turn);
}

void UnderWay::OnStopped(Job& job, const AttemptOutcome& outcome, Turn& turn) const {
  // Nobody here asked for it: the worker's process was told to end.
  AttemptFailure failed;
  failed.failure = Failure::Of(
      Status(errors::kWorkerLost, fmt::format("worker {} has ended the attempt by itself",
                                              job.record.attempt->placement.lead().id)));
  failed.worker_lost = true;
  failed.progress = outcome.savepoint > 0;
  failed.began = outcome.began;
  AfterFailure(job, std::move(failed), /*ended_by_lead=*/true, turn);
}

Status UnderWay::Cancel(Job& job, Turn& turn) const {
  GiveUpAttempt(job, TellWorkers::kWhenStored, /*ended_by_lead=*/false, turn);
  Rest(job, JobState::kCancelled, turn);
  return Status::Ok();
}

Status UnderWay::PlanRescale(Job& job, const commands::Rescale& rescale, Turn& turn) {
  WEIR_TRY(RefuseSecondChange(job));
  WEIR_TRY(ReserveRoom(job, rescale.parallelism, turn));
  NextStep next;
  next.purpose = NextStep::Purpose::kRescale;
  next.parallelism = rescale.parallelism;
  job.record.next = std::move(next);
  turn.Changed(job);
  return Status::Ok();
}

Status UnderWay::PlanUpgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn) {
  WEIR_TRY(RefuseSecondChange(job));
  WEIR_TRY(ReserveRoom(job, upgrade.parallelism, turn));
  NextStep next;
  next.purpose = NextStep::Purpose::kUpgrade;
  next.parallelism = upgrade.parallelism;
  next.text = {job.record.text.version + 1, upgrade.yaml};
  next.policy = upgrade.policy;
  next.drop_state = upgrade.drop_state;
  job.record.next = std::move(next);
  turn.Changed(job);
  return Status::Ok();
}

std::string DescribeAttempt(const Job& job) {
  const AttemptRecord& attempt = *job.record.attempt;
  std::string workers;
  for (const AttemptWorker& worker : attempt.placement.workers) {
    workers += (workers.empty() ? "" : ", ") + worker.id;
  }
  return fmt::format("attempt {} on {}", attempt.id.ToString(), workers);
}

}  // namespace weir::manager::states
