#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/manager/facts.h"

namespace weir::manager {

/// What a worker is told. A worker refuses all of it that carries a lower term than it has seen.
namespace tell {
/// The session counts from now on.
struct Welcome {};
/// It does not; the edge ends the stream after this. The worker dials again after a while, but for
/// a Status that does not pass by itself.
struct Refuse {
  Status reason;
};
/// To the lead: begin this attempt. A worker that has seen this attempt of the job, or a later one,
/// does nothing; one that has an earlier one ends that first.
struct RunAttempt {
  std::string job;
  AttemptId attempt;
  std::string instance;
  JobText text;
  uint32_t parallelism = 1;
  Placement placement;
  AttemptChoices choices;
  std::map<std::string, uint32_t> highest_lane;  ///< Lanes 0 to this are fenced (rule 16).
};
/// To the lead; nothing where the attempt is not led there, or stopping already.
struct StopAttempt {
  enum class Kind {
    kSavepointAndEnd,
    kSavepointOnly,
  };
  std::string job;
  AttemptId attempt;
  Kind kind = Kind::kSavepointAndEnd;
  bool drain = false;      ///< kSavepointAndEnd: close windows first, as at the end of the input.
  RequestId request = {};  ///< kSavepointOnly: the same again is the same savepoint.
};
/// End what is hosted or led of it, with no last checkpoint, and forget it with its outcome:
/// nothing more is told of it.
struct CancelAttempt {
  std::string job;
  AttemptId attempt;
};
/// Do this at the job's checkpoints and tell what came of it. A worker that is lost meanwhile may
/// have done it or not.
struct RunErrand {
  ErrandId id;
  std::string job;
  Errand errand;
  Duration limit;  ///< Given up by the worker after so long.
  // Where it changes something:
  AttemptId attempt;     ///< What it writes as: no attempt has this number.
  std::string instance;  ///< The job's; checkpoints of another are not touched.
};
/// Nothing of this worker is needed any more: it was drained.
struct Drained {};
}  // namespace tell
using WorkerMessage = std::variant<tell::Welcome, tell::Refuse, tell::RunAttempt, tell::StopAttempt,
                                   tell::CancelAttempt, tell::RunErrand, tell::Drained>;

/// What the core wants done. All of it is void under another term.
namespace actions {
/// Writes all or nothing, synced, refused by the store for a lower term; answered by Stored or
/// StoreFailed. Writes may be carried out beside each other and end in any order: the core has one
/// of each job under way at a time.
struct Store {
  WriteId write;
  std::vector<JobRecord> jobs;        ///< Of one that is removed, a RetiredJob is kept.
  std::vector<WorkerRecord> workers;  ///< One that is not draining is erased.
};
struct Tell {
  SessionId session;
  uint64_t term = 0;
  WorkerMessage message;
};
/// End the stream; the core has given it up. `reason` is for the log; empty: not worth a line.
struct CloseSession {
  SessionId session;
  std::string reason;
};
struct Reply {
  RequestId request;
  Status status;
  uint64_t savepoint = 0;     ///< Of a Savepoint.
  std::string location = {};  ///< Of a Savepoint.
  std::string told = {};      ///< Of a RunErrand: JSON.
};
/// A change that somebody asked for, or that weir made by itself (`user` is then `weir`).
struct Audit {
  std::string user;
  std::string what;     ///< `rescale`
  std::string subject;  ///< A job's or a worker's name.
  std::string detail;
  std::string outcome;    ///< `accepted`, or the error's code.
  std::string from = {};  ///< The user's address; empty for weir itself.
};
/// What is kept of this job beside its record, for those who look, can go: it was removed.
struct Forget {
  std::string job;
};
struct Log {
  enum class Level { kInfo, kWarn, kError };
  Level level = Level::kInfo;
  const char* message = "";
  std::vector<std::pair<const char*, std::string>> fields;
};
}  // namespace actions
using Action = std::variant<actions::Store, actions::Tell, actions::CloseSession, actions::Reply,
                            actions::Audit, actions::Forget, actions::Log>;

}  // namespace weir::manager
