#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "daemon/manager/job_record.h"

namespace weir::manager {

/// That this manager leads, and how long it may act on that.
struct Leadership {
  uint64_t term = 0;     ///< Greater than that of any leader before, and durable.
  Duration lease_until;  ///< Monotonic; Max where nobody else can be elected.
};

/// Hears what becomes of a leadership. Called by any thread.
class LeadershipListener {
 public:
  virtual ~LeadershipListener() = default;
  virtual void OnRenewed(Duration until) = 0;
  virtual void OnLost(const std::string& reason) = 0;
};

/// All that a store holds.
struct StoredRecords {
  std::vector<JobRecord> jobs;
  std::vector<WorkerRecord> workers;
  std::vector<RetiredJob> retired;
};

/// Where the records of jobs and workers are kept, and who may write them. Thread safe.
class ManagerStore {
 public:
  virtual ~ManagerStore() = default;

  /// Waits until this manager is the leader, and begins its term: from then on writes under an
  /// earlier one are refused. `listener` outlives the store, or the next call.
  virtual Result<Leadership> Lead(LeadershipListener& listener) = 0;
  /// Everything that was written under earlier terms; call under the own one.
  virtual Result<StoredRecords> Load() = 0;

  /// Whether Lead may be called again once leading was lost; otherwise the process has to end.
  virtual bool ElectsAgain() const { return false; }
  /// Ends a Lead that waits, with an error, and all later ones. Thread safe.
  virtual void GiveUp() {}
  /// All that it holds, as it is at one moment, for whoever restores it: the store says how. An
  /// error where what the records are kept in has copies of its own.
  virtual Result<std::string> Backup() const = 0;
  /// The longest text of a job that it can keep.
  virtual size_t most_text_bytes() const { return SIZE_MAX; }

  /// Called once, by another thread or by the caller's.
  using Done = std::function<void(Status)>;
  /// Writes all of these or none, in place of what is there of the same names; `done` hears ok once
  /// they are durable. kOldTerm: nothing was written, another leads. Of other errors it is not
  /// known whether they were written; the same or newer ones may be put again. Puts of one record
  /// must wait for each other. A worker that is not draining is forgotten, and of a job that is
  /// removed only what a RetiredJob holds is kept.
  virtual void Put(uint64_t term, std::vector<JobRecord> jobs, std::vector<WorkerRecord> workers,
                   Done done) = 0;
};

}  // namespace weir::manager
