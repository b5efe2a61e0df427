#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/manager/store.h"
#include "state/key_value_store.h"

namespace weir::manager {

/// The records of a manager in a map from bytes to bytes, wherever that is. One thread writes; puts
/// that come while it is at it go into the next write together.
///
/// Keys: `job/<name>` and `worker/<id>` with what `record_form.h` makes of them;
/// `text/<name>/<version>` with the job's YAML; `retired/<name>` of jobs that were removed.
class RecordStore : public ManagerStore {
 public:
  Result<StoredRecords> Load() final;
  void Put(uint64_t term, std::vector<JobRecord> jobs, std::vector<WorkerRecord> workers,
           Done done) final;

 protected:
  using Change = KeyValueStore::Change;
  using Entry = KeyValueStore::Entry;
  /// What goes into one write: another put only while there is less than this.
  struct Bounds {
    size_t changes = SIZE_MAX;
    size_t bytes = SIZE_MAX;
  };

  explicit RecordStore(Bounds bounds) : bounds_(bounds) {}
  /// Puts of this term are written from now on, of all others refused.
  void BeginTerm(uint64_t term);
  /// Writes what was put and ends the thread. Before each election, so that nothing of an earlier
  /// term is written after it; and in the destructor of what implements the below.
  void FinishWriting();

  /// All entries whose keys begin with `prefix`, in order.
  virtual Result<std::vector<Entry>> Scan(std::string_view prefix) = 0;
  /// All of the changes or none, durable when it returns ok; kOldTerm: none, another leads.
  virtual Status Write(std::span<const Change> changes) = 0;

 private:
  struct Queued {
    uint64_t term = 0;
    std::vector<JobRecord> jobs;
    std::vector<WorkerRecord> workers;
    Done done;
  };
  /// Texts by version, as they are stored.
  using Texts = std::map<uint64_t, std::shared_ptr<const std::string>>;

  void WriteQueued();
  void WriteSome(std::deque<Queued>& queue, uint64_t term);
  void AddChanges(const JobRecord& job, std::vector<Change>& changes);
  void AddRemoval(const JobRecord& job, std::vector<Change>& changes);

  const Bounds bounds_;
  std::map<std::string, Texts> texts_;  ///< Of the writing thread, and of Load before it.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  uint64_t term_ = 0;  ///< Under mutex_.
  bool ending_ = false;
  std::thread writer_;
};

}  // namespace weir::manager
