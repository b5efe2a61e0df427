#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/manager/job_record.h"

namespace weir::manager {

/// Number that the edge gives to each session stream it takes; never used again by its process.
struct SessionId {
  uint64_t value = 0;
  constexpr auto operator<=>(const SessionId&) const = default;
};
/// Number that the edge gives to a user's request.
struct RequestId {
  uint64_t value = 0;
  constexpr auto operator<=>(const RequestId&) const = default;
};
/// Number of a write to the job store, given by the core.
struct WriteId {
  uint64_t value = 0;
  constexpr auto operator<=>(const WriteId&) const = default;
};

/// An errand: under which leader's term it was given, and its number in that.
struct ErrandId {
  uint64_t term = 0;
  uint64_t number = 0;
  constexpr auto operator<=>(const ErrandId&) const = default;
};

/// The two times of a decision.
struct Now {
  Duration monotonic;
  EventTime wall;
};

// ---------------------------------------------------------------------------------------------
// What workers tell

/// A savepoint that was asked for: requests are numbered anew under each term.
struct SavepointId {
  uint64_t term = 0;
  RequestId request;
  constexpr auto operator<=>(const SavepointId&) const = default;
};
/// What became of it.
struct SavepointAnswer {
  SavepointId id;
  uint64_t number = 0;
  std::string location;
  std::optional<Failure> failure;
};

/// How far an attempt is, by its lead.
enum class AttemptPhase {
  kRecovering,
  kRunning,   ///< It has written what it begins with, and rows flow.
  kStopping,  ///< The savepoint that ends it is under way.
};

/// How an attempt ended.
struct AttemptOutcome {
  enum class Kind {
    kDone,     ///< All input is read and published.
    kStopped,  ///< As it was asked to. `savepoint`: what it ended with; 0: before rows flowed.
    kFailed,
  };
  Kind kind = Kind::kFailed;
  bool began = false;  ///< Rows have flowed: the user's choices are carried out.
  uint64_t savepoint = 0;
  uint64_t checkpoints_completed = 0;
  Failure failure;
  /// Pairs of workers of which one could not reach the other, where that ended the attempt.
  std::vector<std::pair<std::string, std::string>> unreachable;
};

/// An attempt that a worker leads, or has led and not been told to forget.
struct LedAttempt {
  std::string job;
  AttemptId id;
  AttemptPhase phase = AttemptPhase::kRecovering;
  std::optional<AttemptOutcome> ended;
};
struct HostedAttempt {
  std::string job;
  AttemptId id;
};

/// All attempts of a worker: told in its Hello and in each heartbeat, so that a lost message of
/// either side is made good by the next heartbeat.
struct WorkerStanding {
  std::vector<LedAttempt> leads;
  std::vector<HostedAttempt> hosts;
};

struct WorkerHello {
  std::string id;
  std::string incarnation;  ///< Random, of the process.
  std::string address;      ///< For other workers.
  std::string version;
  uint32_t slots = 0;
  std::map<std::string, std::string> labels;
  uint64_t highest_term = 0;  ///< That it has ever seen.
  bool draining = false;      ///< It wants to go, and waits until nothing of it is needed.
  std::string store;          ///< Id of where it keeps checkpoints.
  std::string store_url;      ///< What it was told of that, for users.
  WorkerStanding standing;
};

/// How an attempt is doing; sums are of the job's whole life, as in `JobProgress`.
struct AttemptReport {
  AttemptPhase phase = AttemptPhase::kRecovering;
  uint64_t checkpoint = 0;                   ///< Newest committed.
  uint64_t checkpoints_completed = 0;        ///< In this attempt.
  std::optional<SavepointAnswer> savepoint;  ///< The last that was taken by command, or failed.
  Duration checkpoint_age;
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  // Up to now, where those above are as of the newest checkpoint.
  int64_t rows_in_now = 0;
  int64_t rows_out_now = 0;
  double rows_per_second = 0;                 ///< Read by the sources.
  std::optional<double> rows_out_per_second;  ///< Written by the sinks; none: not known yet.
  int64_t lag_records = -1;                   ///< -1: not known.
  int64_t lag_us = -1;                        ///< As in JobProgress.
  double busy = 0;  ///< Share of time of the busiest fragment's tasks, 0 to 1.
  EventTime watermark = EventTime::Min();
  std::string watermark_holder;
  std::string held_by;  ///< What the checkpoint under way waits for; empty: nothing.
};

// ---------------------------------------------------------------------------------------------
// What users ask

/// Something to be looked up or done at a job's checkpoints. Workers alone know the way to them, so
/// one of them does it for the manager.
struct Errand {
  enum class Kind {
    kListCheckpoints,
    kVerify,
    kListWaiting,  ///< Results that are sealed and not known to be published.
    kResolve,      ///< The user's word about these; the job must be at rest.
    kRemoveSavepoint,
  };
  Kind kind = Kind::kListCheckpoints;
  uint64_t checkpoint = 0;  ///< kVerify: only this one; 0: all that are kept.
  bool quick = false;       ///< kVerify: sizes only.
  std::string sink;         ///< kResolve.
  bool drop = false;        ///< kResolve: never published; else refusals go to the dead letter.
  uint64_t savepoint = 0;   ///< kVerify: only this one; kRemoveSavepoint.
  bool changes() const { return kind == Kind::kResolve || kind == Kind::kRemoveSavepoint; }
  /// Whether it writes a checkpoint, for which it is numbered as attempts are.
  bool writes_checkpoint() const { return kind == Kind::kResolve; }
};

namespace commands {
/// A new job, or one at rest that is to go on. The text was checked by the edge.
struct Submit {
  std::string job;
  std::shared_ptr<const std::string> yaml;
  uint32_t parallelism = 1;
  JobPolicy policy;
  AttemptChoices choices;
  std::string instance;  ///< A new random id; used where the job is new or `fresh`.
};
struct Stop {
  std::string job;
  bool drain = false;
};
struct Cancel {
  std::string job;
};
/// Answered with its number once it is taken.
struct Savepoint {
  std::string job;
};
struct Rescale {
  std::string job;
  uint32_t parallelism = 1;
};
/// The edge has compared the texts, and refused what would drop state that is not named.
struct Upgrade {
  std::string job;
  std::shared_ptr<const std::string> yaml;
  uint32_t parallelism = 1;
  JobPolicy policy;
  std::vector<std::string> drop_state;
};
/// A job at rest goes on as it was.
struct Restart {
  std::string job;
  AttemptChoices choices;
  std::string instance;  ///< As in Submit, for `fresh`.
};
/// A job at rest is forgotten, but for what a RetiredJob holds.
struct Remove {
  std::string job;
};
/// Answered with what the worker tells.
struct RunErrand {
  std::string job;
  Errand errand;
};
struct Drain {
  std::string worker;
};
struct Undrain {
  std::string worker;
};
}  // namespace commands
using Command =
    std::variant<commands::Submit, commands::Stop, commands::Cancel, commands::Savepoint,
                 commands::Rescale, commands::Upgrade, commands::Restart, commands::Remove,
                 commands::RunErrand, commands::Drain, commands::Undrain>;

// ---------------------------------------------------------------------------------------------

/// What the core is told. Facts of a session that is not, or no longer, the worker's are ignored.
namespace facts {
/// This manager leads, and takes sessions from now on. Everything known before is forgotten.
struct Elected {
  uint64_t term = 0;            ///< Greater than any before, and durable.
  Duration lease_until;         ///< Monotonic; Max where no other manager can be elected.
  std::vector<JobRecord> jobs;  ///< All that the store holds, read under this term.
  std::vector<WorkerRecord> workers;
  std::vector<RetiredJob> retired;
};
struct LeaseRenewed {
  Duration until;
};
/// Another leads, or a write was refused for its term.
struct Deposed {
  std::string reason;
};
/// All of the write is durable.
struct Stored {
  WriteId write;
};
/// It is not known to be; the same records will be written again.
struct StoreFailed {
  WriteId write;
  Status reason;
};
struct SessionOpened {
  SessionId session;
  WorkerHello hello;
};
struct SessionBroken {
  SessionId session;
};
struct Heartbeat {
  SessionId session;
  WorkerStanding standing;
};
struct AttemptReported {
  SessionId session;
  std::string job;
  AttemptId attempt;
  AttemptReport report;
};
struct AttemptEnded {
  SessionId session;
  std::string job;
  AttemptId attempt;
  AttemptOutcome outcome;
};
struct ErrandDone {
  SessionId session;
  ErrandId errand;
  Status status;
  std::string told;  ///< JSON, where it is ok.
};
/// The worker itself wants to go: as a user's Drain, but it ends with the process.
struct DrainAsked {
  SessionId session;
};
struct Asked {
  RequestId request;
  std::string user;
  Command command;
  std::string from = {};  ///< The user's address.
};
struct Tick {};
}  // namespace facts
using Fact = std::variant<facts::Elected, facts::LeaseRenewed, facts::Deposed, facts::Stored,
                          facts::StoreFailed, facts::SessionOpened, facts::SessionBroken,
                          facts::Heartbeat, facts::AttemptReported, facts::AttemptEnded,
                          facts::ErrandDone, facts::DrainAsked, facts::Asked, facts::Tick>;

}  // namespace weir::manager
