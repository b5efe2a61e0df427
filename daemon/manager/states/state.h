#pragma once

#include <span>
#include <string>

#include "base/status.h"
#include "daemon/manager/turn.h"

namespace weir::manager {

/// What facts mean to a job in one of its states. It has no data: that is the job's. Every method
/// may move the job to another state, and then does nothing more with it.
class State {
 public:
  virtual ~State() = default;
  virtual JobState name() const = 0;
  /// The legal ones; a job in another state than these and its own is a broken invariant.
  virtual std::span<const JobState> ways_out() const = 0;

  virtual void Enter(Job&, Turn&) const {}
  /// All of the record is durable: what depended on that is done now. Told again where a worker
  /// that may have missed it is back, so it must bear that.
  virtual void WhenDurable(Job&, Turn&) const {}
  /// Something may be due. States that wait for a time say until when.
  virtual void OnTime(Job&, Turn&) const {}
  virtual Duration NextDeadline(const Job&) const { return Duration::Max(); }

  // Of the record's attempt.
  /// Its lead says that it is in this phase (in each heartbeat).
  virtual void OnPhase(Job&, AttemptPhase, Turn&) const {}
  virtual void OnReport(Job&, const AttemptReport&, Turn&) const {}
  virtual void OnEnded(Job&, const AttemptOutcome&, Turn&) const {}
  /// It can't go on: a worker of it is lost, or its lead knows nothing of it.
  virtual void OnLost(Job&, const std::string& /*reason*/, Turn&) const {}

  // Of users. Ok: done, and answered once it is durable.
  virtual Status Submit(Job&, const commands::Submit&, Turn&) const;
  virtual Status Restart(Job&, const commands::Restart&, Turn&) const;
  virtual Status Stop(Job&, const commands::Stop&, Turn&) const;
  virtual Status Cancel(Job&, Turn&) const;
  virtual Status Savepoint(Job&, RequestId, Turn&) const;
  virtual Status Rescale(Job&, const commands::Rescale&, Turn&) const;
  virtual Status Upgrade(Job&, const commands::Upgrade&, Turn&) const;
  /// Whether it may be forgotten, and whether what waits to be published may be decided about.
  virtual Status MayRemove(const Job&) const;
  virtual Status MayResolve(const Job&) const;
  /// A worker of it is drained. False: it stays for now, for want of room or for its state.
  virtual bool Move(Job&, Turn&) const { return false; }

  /// Why it is in this state: a sentence without a full stop.
  virtual std::string Describe(const Job&, const Cluster&, Duration now) const = 0;

 protected:
  /// Refuses what this state has no use for: "job clicks is stopped: …".
  static Status WrongState(const Job& job, std::string cure);
};

const State& StateOf(JobState state);
bool IsWayOut(JobState from, JobState to);

}  // namespace weir::manager
