#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/manager/actions.h"
#include "daemon/manager/cluster.h"
#include "daemon/manager/facts.h"
#include "daemon/manager/job.h"
#include "daemon/manager/options.h"
#include "daemon/manager/turn.h"

namespace weir::manager {

/// What the audit log tells of a command, with what was decided or came of it.
actions::Audit AuditOf(const facts::Asked& asked, const Status& status);

/// Decides for the whole cluster: which worker hosts what, when an attempt begins and ends, what
/// becomes of a job after a failure, and what a user may do. A pure state machine: facts and the
/// time in, actions out; no IO, no threads, no clock, no source of randomness. The simulator
/// (`tests/simulation`) runs this very code.
///
/// What it keeps to:
///  - nothing that depends on a record happens before Stored was told of it (rule 31): an attempt's
///    number and lanes before it is deployed, a user's command before it is answered;
///  - without a lease, or after its end less a margin, it does nothing at all;
///  - no worker is taken for lost before its time to come over from the manager before this one,
///  but by what it says itself;
///  - workers tell all their attempts in each heartbeat, and are told again what has not reached
///    them: any single message may be lost.
class Core {
 public:
  explicit Core(CoreOptions options);
  ~Core();

  std::vector<Action> On(Fact fact, Now now);

  /// When On(Tick) should be called at the latest, monotonic.
  Duration NextDeadline() const;

  /// Whether it may act; once it may not, all facts but Elected are ignored. The edge then ends all
  /// sessions, gives the lease back, and has itself elected anew: a lease that goes on being
  /// renewed would keep others from leading.
  bool leading() const { return leading_; }
  uint64_t term() const { return term_; }

  /// For those who ask; by name.
  const std::map<std::string, Job>& jobs() const { return jobs_; }
  const Cluster& cluster() const { return cluster_; }
  const CoreOptions& options() const { return options_; }
  /// Why the job is in its state and what it waits for, as a sentence without a full stop:
  /// `waiting for 2 more worker slots: 6 needed, 4 free; worker w2 is away since 12 s`.
  std::string Describe(const std::string& job, Duration now) const;
  /// The same of a worker: `draining: jobs clicks and users wait for 2 more worker slots
  /// elsewhere`.
  std::string DescribeWorker(const std::string& worker, Duration now) const;
  /// That there is no such job, with the nearest name that there is.
  Status NoSuchJob(const std::string& job) const;
  /// Where workers keep the job's checkpoints, by the one that would be asked about them; empty:
  /// none is here.
  std::string StoreOf(const std::string& job) const;

 private:
  void Begin(facts::Elected elected, Now now);
  void StepDown();
  bool LeaseIsOver(Duration now) const;

  void OnStored(WriteId write, Turn& turn);
  void OnStoreFailed(const facts::StoreFailed& failed, Turn& turn);
  void OnOpened(const facts::SessionOpened& opened, Turn& turn);
  void OnEnded(const facts::AttemptEnded& ended, Turn& turn);
  void OnReported(const facts::AttemptReported& reported, Turn& turn);
  void OnErrandDone(const facts::ErrandDone& done, Turn& turn);
  void OnTick(Turn& turn);

  void Ask(const facts::Asked& asked, Turn& turn);
  Status Carry(const commands::Submit& submit, RequestId request, Turn& turn);
  Status Carry(const commands::Remove& remove, RequestId request, Turn& turn);
  Status Carry(const commands::Drain& drain, RequestId request, Turn& turn);
  Status Carry(const commands::Undrain& undrain, RequestId request, Turn& turn);
  template <typename C>
  Status Carry(const C& command, RequestId request, Turn& turn);

  /// Has a worker do it; answered when that one has, is lost, or its time is over.
  Status Give(const commands::RunErrand& wanted, const facts::Asked& asked, Turn& turn);
  /// The worker that knows best the way to the job's checkpoints; null: none is here.
  const Worker* WorkerForErrand(const Job& job) const;
  /// Ok, unless the job is being removed, or what waits of it is being decided about.
  Status CheckNotBusy(const Job& job) const;
  /// The job's record is durable: what waited for that is given.
  void TellErrands(const Job& job, Turn& turn);
  void EndLostErrands(Turn& turn);

  /// Compares what a worker says of itself with what it should have.
  void Reconcile(Worker& worker, const WorkerStanding& standing, bool hello, Turn& turn);
  void NotCurrent(const Worker& worker, const std::string& name, AttemptId attempt, Turn& turn);
  void Seen(Job& job, AttemptPhase phase, Turn& turn);
  void Lose(Worker& worker, const std::string& reason, Turn& turn);
  Duration LostAt(const Worker& worker) const;
  /// The job whose attempt this is, led by that worker; else null.
  Job* LedBy(const Worker& worker, const std::string& name, AttemptId attempt);

  void LookForRoom(Turn& turn);
  void MoveFromDrained(Turn& turn);
  /// Writes what has changed and is not being written.
  void Write(Turn& turn);
  void WriteJob(Job& job, Turn& turn);
  void WriteDrain(const std::string& worker, Turn& turn);
  void SetDrain(Worker& worker, bool draining, RequestId request, Turn& turn);

  const CoreOptions options_;
  bool leading_ = false;
  uint64_t term_ = 0;
  Duration lease_until_;
  Duration grace_until_;  ///< Nobody is lost before, but by what it says itself.
  uint64_t writes_begun_ = 0;
  Cluster cluster_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, RetiredJob> retired_;
  /// Given to a worker and not answered; by number. Those of a term that is over are forgotten:
  /// whoever had asked was told.
  struct ErrandUnderWay {
    facts::Asked asked;
    std::string job;
    Errand errand;
    SessionId session;
    std::string worker;
    Duration until;
    std::optional<tell::RunErrand> untold = {};  ///< Given once the job's record is durable.
  };
  std::map<uint64_t, ErrandUnderWay> errands_;
  uint64_t errands_given_ = 0;
  std::map<std::string, Keeping> drains_;  ///< Of workers' records.
  struct Writing {
    std::string job;
    std::string worker;  ///< Either is set.
  };
  std::map<WriteId, Writing> writing_;
};

}  // namespace weir::manager
