#include <fmt/format.h>

#include "daemon/manager/attempts.h"
#include "daemon/manager/describe.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/states/all.h"
#include "daemon/manager/states/state.h"

namespace weir::manager::states {
namespace {

constexpr JobState kWaysOut[] = {JobState::kStarting, JobState::kStopped, JobState::kCancelled};

/// No attempt is under way, and the next one is to begin as soon as its time has come and there is
/// room. Those who wait are looked at by the core, all together, whenever room changes.
class WaitingState final : public State {
 public:
  JobState name() const override { return JobState::kWaiting; }
  std::span<const JobState> ways_out() const override { return kWaysOut; }

  void Enter(Job&, Turn& turn) const override { turn.LookForRoom(); }
  void OnTime(Job& job, Turn& turn) const override {
    if (job.try_at.us == 0 || turn.now() < job.try_at) return;
    job.try_at = {};
    turn.LookForRoom();
  }
  Duration NextDeadline(const Job& job) const override {
    return job.try_at.us != 0 ? job.try_at : Duration::Max();
  }

  Status Restart(Job& job, const commands::Restart& restart, Turn& turn) const override {
    if (restart.choices != AttemptChoices{}) {
      return WrongState(job, "choices are for a job at rest; stop it first");
    }
    job.try_at = {};  // Not wait for the backoff.
    turn.LookForRoom();
    return Status::Ok();
  }
  Status Stop(Job& job, const commands::Stop& stop, Turn& turn) const override {
    if (stop.drain) {
      return WrongState(job,
                        "windows are closed by tasks that run: ask again once they do, or "
                        "stop it without --drain");
    }
    if (job.record.attempts > 0) {
      job.record.note =
          "it was stopped between two attempts: what its last checkpoint holds unpublished waits "
          "for the next start";
    }
    Rest(job, JobState::kStopped, turn);
    return Status::Ok();
  }
  Status Cancel(Job& job, Turn& turn) const override {
    Rest(job, JobState::kCancelled, turn);
    return Status::Ok();
  }
  Status Rescale(Job& job, const commands::Rescale& rescale, Turn& turn) const override {
    WEIR_TRY(CheckRoom(job, rescale.parallelism, turn));
    if (job.record.next) return ChangeWaits(job);
    job.record.parallelism = rescale.parallelism;
    job.spread = true;
    turn.Changed(job);
    turn.LookForRoom();
    return Status::Ok();
  }
  Status Upgrade(Job& job, const commands::Upgrade& upgrade, Turn& turn) const override {
    WEIR_TRY(CheckRoom(job, upgrade.parallelism, turn));
    if (job.record.next) return ChangeWaits(job);
    NextStep next;
    next.purpose = NextStep::Purpose::kUpgrade;
    next.parallelism = upgrade.parallelism;
    next.text = {job.record.text.version + 1, upgrade.yaml};
    next.policy = upgrade.policy;
    next.drop_state = upgrade.drop_state;
    job.record.next = std::move(next);
    // What the old text has sealed is published by it first (rule 21), if there can be anything.
    if (job.record.attempts == 0) ApplyNext(job, turn);
    turn.Changed(job);
    turn.LookForRoom();
    return Status::Ok();
  }

  std::string Describe(const Job& job, const Cluster& cluster, Duration now) const override {
    const JobRecord& record = job.record;
    if (now < job.try_at) {
      return fmt::format(
          "waiting for {} before attempt {}, after {} failed in a row: {}",
          DescribeSpan({job.try_at.us - now.us}), record.attempts + 1,
          record.failures_in_row == 1 ? "one" : fmt::format("{}", record.failures_in_row),
          record.failure ? record.failure->ToString() : "unknown");
    }
    const uint32_t room = cluster.Room(record, now);
    if (room >= record.parallelism) return "about to start";
    const uint32_t missing = record.parallelism - room;
    return fmt::format("waiting for {} more worker slot{}: {} needed, {} free{}", missing,
                       missing == 1 ? "" : "s", record.parallelism, room,
                       DescribeMissing(cluster, now) + DescribeElsewhere(cluster, record.store));
  }

 private:
  static Status ChangeWaits(const Job& job) {
    return Status(errors::kChangeUnderWay,
                  fmt::format("job {} has another change under way: {}", job.record.name,
                              NameOf(job.record.next->purpose)),
                  "ask again once it is through, or cancel the job");
  }
};

}  // namespace

const State& Waiting() {
  static const WaitingState state;
  return state;
}

}  // namespace weir::manager::states
