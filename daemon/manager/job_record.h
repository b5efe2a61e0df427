#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "engine/attempt_id.h"

namespace weir::manager {

/// Where a job stands. Each has a file in `states/`, with its legal ways out.
enum class JobState {
  kWaiting,    ///< For worker slots, or for a backoff to pass.
  kStarting,   ///< An attempt is placed; its rows do not flow yet.
  kRunning,    ///< Rows flow.
  kStopping,   ///< A last checkpoint is asked for, then the attempt ends; `JobRecord::next` says
               ///< why.
  kStopped,    ///< By the user, with nothing unpublished but what `note` says.
  kEnded,      ///< A bounded job that is through.
  kCancelled,  ///< By the user, at once.
  kFailed,     ///< Until somebody mends what `failure` names.
  kNeedsDecision,  ///< weir could go on in more than one way; `failure` says which.
};
inline constexpr JobState kJobStates[] = {
    JobState::kWaiting,   JobState::kStarting, JobState::kRunning,
    JobState::kStopping,  JobState::kStopped,  JobState::kEnded,
    JobState::kCancelled, JobState::kFailed,   JobState::kNeedsDecision};
/// As users see it: `waiting`, `needs decision`.
std::string_view NameOf(JobState state);

/// What a user has chosen where weir could go on in more than one way. It holds until an attempt
/// has begun with it.
struct AttemptChoices {
  bool rewind = false;
  bool take_over = false;
  bool fresh = false;                   ///< Forget all checkpoints: the job is a new instance.
  std::string from;                     ///< A savepoint to go on from, as in RecoveryChoices.
  std::vector<std::string> drop_state;  ///< Steps whose state an upgrade gives up.
  bool operator==(const AttemptChoices&) const = default;
};

/// Bounds within which weir chooses a job's parallelism by its load.
struct AutoscaleBounds {
  uint32_t min = 1;
  uint32_t max = 1;
  double target_busy = 0.7;                  ///< Share of their time that tasks should be at work.
  std::optional<double> rows_per_task;       ///< Rows/s that one task is to be given at most.
  Duration window = Duration::Seconds(30);   ///< Load is looked at for so long.
  Duration cooldown = Duration::Minutes(2);  ///< After an attempt has begun.
  bool operator==(const AutoscaleBounds&) const = default;
};

/// What the job's text says that the manager acts on; read from it by the edge.
struct JobPolicy {
  Duration restart_initial = Duration::Millis(200);
  Duration restart_max = Duration::Seconds(30);
  std::optional<uint32_t>
      restart_attempts;  ///< Failures in a row that are borne; none: any number.
  std::optional<AutoscaleBounds> autoscale;
  std::vector<std::string> sinks;  ///< Those that publish, and so have lanes.
  bool operator==(const JobPolicy&) const = default;
};

/// A version of a job's text.
struct JobText {
  uint64_t version = 0;  ///< From 1, by one with each upgrade or new submission.
  std::shared_ptr<const std::string> yaml;
};

/// A worker process that an attempt uses.
struct AttemptWorker {
  std::string id;
  std::string incarnation;
  std::string address;
  bool operator==(const AttemptWorker&) const = default;
};

/// Who hosts what: `workers[worker_of[i]]` hosts index i of every fragment. The first worker leads;
/// a worker's position is its lane's number, in each sink.
struct Placement {
  std::vector<AttemptWorker> workers;
  std::vector<uint32_t> worker_of;
  bool operator==(const Placement&) const = default;

  const AttemptWorker& lead() const { return workers.front(); }
  const AttemptWorker* Find(std::string_view worker) const;
  /// Worker slots that each worker gives.
  std::map<std::string, uint32_t> Slots() const;
};

struct AttemptRecord {
  AttemptId id;
  Placement placement;
  bool operator==(const AttemptRecord&) const = default;
};

/// An error as it is told over the wire and kept: an ErrorCode's content, not its address.
struct Failure {
  std::string code;  ///< `WEIR-K003`
  ErrorKind kind = ErrorKind::kRetry;
  std::string text;
  std::string cure;
  bool operator==(const Failure&) const = default;
  static Failure Of(const Status& status);
  Status ToStatus() const;
  /// `WEIR-K003: text. Cure`
  std::string ToString() const;
};

/// Why a running attempt is to end with a last checkpoint, and what then.
struct NextStep {
  enum class Purpose {
    kStop,     ///< Rest.
    kRescale,  ///< Go on with `parallelism`.
    kUpgrade,  ///< Go on with `text`, everything being published by the old one (rule 21).
    kMove,     ///< Go on elsewhere: a worker is drained.
  };
  Purpose purpose = Purpose::kStop;
  bool drain = false;                   ///< kStop: windows close first, as at the end of the input.
  uint32_t parallelism = 0;             ///< kRescale, kUpgrade.
  JobText text;                         ///< kUpgrade.
  JobPolicy policy;                     ///< kUpgrade.
  std::vector<std::string> drop_state;  ///< kUpgrade.
};
/// `stop`, `rescale`, `upgrade`, `move`.
std::string_view NameOf(NextStep::Purpose purpose);

/// Why an attempt ended that was not the last one.
struct RestartRecord {
  EventTime at;           ///< Wall clock.
  AttemptId attempt;      ///< The one that ended.
  std::string reason;     ///< `worker w2 is lost`, `WEIR-K003: …`, `rescaled from 2 to 4`.
  Duration downtime{-1};  ///< Until rows flowed again; -1: they do not yet.
};

/// All that is kept of a job. Everything in it is durable before anything that depends on it
/// happens.
struct JobRecord {
  std::string name;
  std::string instance;  ///< Random, from the first submission (protocol rule 14).
  std::string store;     ///< Id of where its checkpoints are; empty: not known yet.
  JobState state = JobState::kWaiting;
  JobText text;
  JobPolicy policy;
  uint32_t parallelism = 1;
  AttemptChoices choices;
  uint64_t attempts = 0;                         ///< Newest attempt number ever given (rule 31).
  std::optional<AttemptRecord> attempt;          ///< The one that may be under way.
  std::vector<std::string> previous_workers;     ///< By index: who hosted it last.
  std::map<std::string, uint32_t> highest_lane;  ///< Per sink, ever opened (rule 15).
  std::optional<NextStep> next;
  uint32_t failures_in_row = 0;
  std::optional<Failure> failure;  ///< The last one.
  uint64_t savepoint = 0;  ///< The newest one, or the checkpoint that a stop ended with; 0: none.
  std::string note;        ///< What the user should know of the state, if anything.
  EventTime created_at;
  EventTime changed_at;
  uint64_t restarts = 0;
  Duration downtime;  ///< From the ends of attempts until rows flowed again, over its life.
  std::vector<RestartRecord> history;  ///< The last ones, oldest first; bounded.
  bool removed = false;                ///< Nothing is kept of it but a RetiredJob.
};

/// What stays of a job that was removed, so that another one submitted under its name neither gives
/// attempts numbers that were given before nor leaves a lane unfenced, and goes on from the
/// checkpoints that are there.
struct RetiredJob {
  std::string name;
  std::string instance;
  uint64_t attempts = 0;
  std::map<std::string, uint32_t> highest_lane;
  bool fresh = false;  ///< The checkpoints are of an instance before it: it never began.
  bool operator==(const RetiredJob&) const = default;
  static RetiredJob Of(const JobRecord& record);
};

/// What is kept of a worker: only what a user said of it.
struct WorkerRecord {
  std::string id;
  bool draining = false;
};

}  // namespace weir::manager
