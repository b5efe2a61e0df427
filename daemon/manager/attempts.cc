#include "daemon/manager/attempts.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/ids.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/errors.h"
#include "engine/errors.h"

namespace weir::manager {
namespace {

constexpr Duration kTellAgain = Duration::Seconds(1);
constexpr Duration kNotTold = Duration::Max();

/// Whether the next attempt may fare better without anybody's doing.
bool MayPass(const Failure& failure) {
  // Another's manifest had the number of this attempt's: one that has not noticed yet that it is
  // over. The next attempt goes on behind it.
  if (failure.code == errors::kDeposed.id) return true;
  return failure.kind == ErrorKind::kRetry || failure.kind == ErrorKind::kGaveUp;
}

void RaiseLanes(JobRecord& record, const Placement& placement) {
  if (WEIR_MUTANT("manager_lanes_not_raised")) return;
  const auto highest = static_cast<uint32_t>(placement.workers.size() - 1);
  for (const std::string& sink : record.policy.sinks) {
    uint32_t& lane = record.highest_lane[sink];
    lane = std::max(lane, highest);
  }
}

}  // namespace

Duration BackoffAfter(const JobPolicy& policy, uint32_t failures_in_row, bool worker_lost) {
  uint32_t steps = failures_in_row;
  if (worker_lost && steps > 0) steps--;
  if (steps == 0) return {};
  Duration wait = policy.restart_initial;
  for (uint32_t i = 1; i < steps && wait < policy.restart_max; i++) wait.us *= 2;
  return std::min(wait, policy.restart_max);
}

bool BeginAttempt(Job& job, Turn& turn) {
  JobRecord& record = job.record;
  PlacementRequest request;
  request.parallelism = record.parallelism;
  request.previous = record.previous_workers;
  request.spread = job.spread;
  std::optional<Placement> placement = turn.cluster().Place(record, request, turn.now());
  if (!placement && record.policy.autoscale) {
    const uint32_t room = turn.cluster().Room(record, turn.now());
    request.parallelism = std::min(record.parallelism, room);
    if (request.parallelism >= std::max(1u, record.policy.autoscale->min)) {
      placement = turn.cluster().Place(record, request, turn.now());
    }
  }
  if (!placement) return false;
  record.parallelism = request.parallelism;
  // From its first attempt on it stays where its checkpoints are.
  record.store = turn.cluster().Find(placement->lead().id)->store;
  record.attempts++;
  RaiseLanes(record, *placement);
  if (!WEIR_MUTANT("manager_forgets_slots")) {
    turn.cluster().Hold(record.name, placement->Slots());
  }
  record.previous_workers.clear();
  for (const uint32_t worker : placement->worker_of) {
    record.previous_workers.push_back(placement->workers[worker].id);
  }
  record.attempt = AttemptRecord{{turn.term(), record.attempts}, std::move(*placement)};
  job.spread = false;
  job.deployed = job.taken_up = false;
  job.stop_told_at = kNotTold;
  job.phase = AttemptPhase::kRecovering;
  job.report.reset();
  turn.MoveTo(job, JobState::kStarting);
  if (WEIR_MUTANT("manager_deploy_before_stored")) DeployAttempt(job, turn);
  return true;
}

void DeployAttempt(Job& job, Turn& turn) {
  if (job.deployed) return;
  const JobRecord& record = job.record;
  const AttemptRecord& attempt = *record.attempt;
  job.deployed = turn.TellWorker(
      attempt.placement.lead(),
      tell::RunAttempt{record.name, attempt.id, record.instance, record.text, record.parallelism,
                       attempt.placement, record.choices, record.highest_lane});
  job.deployed_at = turn.now();
}

void AskToStop(Job& job, Turn& turn) {
  const JobRecord& record = job.record;
  if (job.phase == AttemptPhase::kStopping || !record.next) return;
  if (job.stop_told_at != kNotTold && WEIR_MUTANT("manager_tells_stop_once")) return;
  if (job.stop_told_at != kNotTold && turn.now().us - job.stop_told_at.us < kTellAgain.us) return;
  const bool told = turn.TellWorker(
      record.attempt->placement.lead(),
      tell::StopAttempt{record.name, record.attempt->id, tell::StopAttempt::Kind::kSavepointAndEnd,
                        record.next->drain});
  if (told) job.stop_told_at = turn.now();
}

void Reserve(Job& job, const Placement& placement, Turn& turn) {
  std::map<std::string, uint32_t> slots = placement.Slots();
  if (job.record.attempt) {
    for (const auto& [worker, count] : job.record.attempt->placement.Slots()) {
      uint32_t& held = slots[worker];
      held = std::max(held, count);
    }
  }
  turn.cluster().Hold(job.record.name, slots);
}

void GiveUpAttempt(Job& job, TellWorkers when, bool ended_by_lead, Turn& turn) {
  JobRecord& record = job.record;
  if (!record.attempt) return;
  const AttemptRecord attempt = *std::exchange(record.attempt, std::nullopt);
  std::map<std::string, uint32_t> kept;
  if (const auto* held = turn.cluster().HeldBy(record.name)) kept = *held;
  for (const AttemptWorker& worker : attempt.placement.workers) {
    const Worker* known = turn.cluster().Find(worker.id);
    if (!known || !known->usable() || known->incarnation != worker.incarnation) {
      kept.erase(worker.id);
    }
    if (ended_by_lead && worker.id == attempt.placement.lead().id) continue;
    if (!job.deployed) continue;
    if (when == TellWorkers::kNow) {
      turn.TellWorker(worker, tell::CancelAttempt{record.name, attempt.id});
    } else {
      job.to_cancel.emplace_back(worker.id, attempt.id);
    }
  }
  turn.cluster().Hold(record.name, kept);
  if (job.savepoint_asked) {
    turn.Say(actions::Reply{
        job.savepoint_asked->request,
        Status(errors::kSavepointCut,
               fmt::format("the savepoint of job {} was not taken: its attempt ended", record.name),
               "ask again once the job runs")});
    job.savepoint_asked.reset();
  }
  job.deployed = job.taken_up = false;
  job.report.reset();
  turn.LookForRoom();
  turn.Changed(job);
}

void AfterFailure(Job& job, AttemptFailure failed, bool ended_by_lead, Turn& turn) {
  JobRecord& record = job.record;
  const AttemptId attempt = record.attempt->id;
  GiveUpAttempt(job, TellWorkers::kNow, ended_by_lead, turn);
  turn.Log(actions::Log::Level::kWarn, "attempt failed",
           {{"job", record.name},
            {"attempt", attempt.ToString()},
            {"reason", failed.failure.ToString()}});
  if (failed.began) record.choices = {};
  record.failure = failed.failure;
  if (failed.progress) record.failures_in_row = 0;
  if (failed.counts) record.failures_in_row++;
  if (!MayPass(failed.failure)) {
    const bool asks = failed.failure.kind == ErrorKind::kDecision;
    Rest(job, asks ? JobState::kNeedsDecision : JobState::kFailed, turn);
    return;
  }
  if (record.policy.restart_attempts && record.failures_in_row > *record.policy.restart_attempts) {
    record.failure = Failure::Of(
        Status(errors::kCrashLoop,
               fmt::format("failed {} times in a row, the last time: {}", record.failures_in_row,
                           failed.failure.ToString()),
               "mend the cause, then 'weir restart'; the job goes on from its last checkpoint"));
    Rest(job, JobState::kFailed, turn);
    return;
  }
  RememberRestart(job, failed.failure.ToString(), turn);
  record.history.back().attempt = attempt;
  // These need no savepoint: any checkpoint does. A stop and an upgrade want everything published,
  // so another attempt has to do that first.
  if (record.next && (record.next->purpose == NextStep::Purpose::kRescale ||
                      record.next->purpose == NextStep::Purpose::kMove)) {
    ApplyNext(job, turn);
  }
  const Duration wait =
      failed.counts ? BackoffAfter(record.policy, record.failures_in_row, failed.worker_lost)
                    : Duration{};
  job.try_at = {turn.now().us + wait.us};
  turn.MoveTo(job, JobState::kWaiting);
}

void ApplyNext(Job& job, Turn& turn) {
  JobRecord& record = job.record;
  NextStep next = std::move(*std::exchange(record.next, std::nullopt));
  switch (next.purpose) {
    case NextStep::Purpose::kStop:
      break;
    case NextStep::Purpose::kUpgrade:
      record.text = std::move(next.text);
      record.policy = std::move(next.policy);
      record.choices.drop_state = std::move(next.drop_state);
      record.failures_in_row = 0;
      record.failure.reset();
      [[fallthrough]];
    case NextStep::Purpose::kRescale:
      record.parallelism = next.parallelism;
      job.spread = true;
      break;
    case NextStep::Purpose::kMove:
      break;
  }
  turn.Changed(job);
}

void RememberRestart(Job& job, std::string reason, Turn& turn) {
  JobRecord& record = job.record;
  record.restarts++;
  RestartRecord restart;
  restart.at = turn.wall();
  if (record.attempt) restart.attempt = record.attempt->id;
  restart.reason = std::move(reason);
  record.history.push_back(std::move(restart));
  if (record.history.size() > turn.options().history) {
    record.history.erase(record.history.begin());
  }
}

void Rest(Job& job, JobState state, Turn& turn) {
  job.record.next.reset();
  job.try_at = {};
  job.spread = false;
  turn.cluster().Hold(job.record.name, {});
  turn.LookForRoom();
  turn.MoveTo(job, state);
}

Status CheckRoom(const Job& job, uint32_t parallelism, Turn& turn) {
  if (parallelism == 0 || parallelism > kKeySlots) {
    return Status(
        errors::kBadRequest,
        fmt::format("job {} can't have a parallelism of {}", job.record.name, parallelism),
        fmt::format("it is 1 to {}", kKeySlots));
  }
  const uint32_t room = turn.cluster().Room(job.record, turn.now());
  if (room >= parallelism) return Status::Ok();
  return Status(
      errors::kTooFewSlots,
      fmt::format("job {} would need {} worker slots, and there are {} for it: {}{}",
                  job.record.name, parallelism, room, DescribeRoom(turn.cluster(), turn.now()),
                  DescribeElsewhere(turn.cluster(), job.record.store)),
      "start more workers, or ask for less");
}

}  // namespace weir::manager
