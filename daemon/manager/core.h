#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/manager/actions.h"
#include "daemon/manager/cluster.h"
#include "daemon/manager/facts.h"
#include "daemon/manager/job.h"

namespace weir::manager {

struct CoreOptions {
  std::string version;                             ///< Of weir; workers must have the same.
  Duration worker_timeout = Duration::Seconds(5);  ///< Silence after which a worker is lost.
  Duration session_back = Duration::Millis(250);   ///< For a broken session to be back.
  Duration lease_margin = Duration::Millis(500);   ///< The lease is held to end so much earlier.
  Duration take_up = Duration::Seconds(3);         ///< For a told attempt to be in a heartbeat.
  Duration keep_apart = Duration::Seconds(30);     ///< Workers that could not reach each other.
  Duration store_again = Duration::Seconds(1);     ///< After a write that failed.
  Duration remember_lost = Duration::Hours(1);     ///< Workers that are gone, for those who ask.
  Duration autoscale_window = Duration::Seconds(30);
  Duration autoscale_rest = Duration::Minutes(2);  ///< After an attempt has begun.
  size_t history = 20;                             ///< Restarts kept of each job.
};

/// Decides for the whole cluster: which worker hosts what, when an attempt begins and ends, what
/// becomes of a job after a failure, and what a user may do. A pure state machine: facts and the
/// time in, actions out; no IO, no threads, no clock, no source of randomness. The simulator
/// (`tests/simulation`) runs this very code.
///
/// What it keeps to:
///  - nothing that depends on a record happens before Stored was told of it (rule 31): an attempt's
///    number and lanes before it is deployed, a user's command before it is answered;
///  - without a lease, or after its end less a margin, it does nothing at all;
///  - no worker is taken for lost before `worker_timeout` from Elected, but by what it says itself;
///  - workers tell all their attempts in each heartbeat, and are told again what has not reached
///    them: any single message may be lost.
class Core {
 public:
  explicit Core(CoreOptions options);
  ~Core();

  std::vector<Action> On(Fact fact, Now now);

  /// When On(Tick) should be called at the latest, monotonic.
  Duration NextDeadline() const;

  /// Whether it may act; once it may not, all facts but Elected are ignored.
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

 private:
  void StepDown();

  const CoreOptions options_;
  bool leading_ = false;
  uint64_t term_ = 0;
  Duration lease_until_;
  WriteId last_write_;
  Cluster cluster_;
  std::map<std::string, Job> jobs_;
  std::map<WriteId, std::string> writes_;  ///< Under way: of which job.
  // Of drained workers:
};

}  // namespace weir::manager
