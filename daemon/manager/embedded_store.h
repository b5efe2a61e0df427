#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/manager/store.h"
#include "state/key_value_store.h"

namespace weir::manager {

/// The store of a manager that is alone: a folder that one process can have open at a time, which
/// is all the election that there is. One thread writes; puts that come while it is at it share the
/// next sync.
///
/// Keys: `term`; `job/<name>` and `worker/<id>` with what `record_form.h` makes of them;
/// `text/<name>/<version>` with the job's YAML.
class EmbeddedStore final : public ManagerStore {
 public:
  static Result<std::unique_ptr<EmbeddedStore>> Open(const std::string& directory);
  /// Waits for what was put.
  ~EmbeddedStore() override;

  Result<Leadership> Lead(LeadershipListener& listener) override;
  Result<StoredRecords> Load() override;
  void Put(uint64_t term, std::vector<JobRecord> jobs, std::vector<WorkerRecord> workers,
           Done done) override;

  /// All records as they are at one moment, into one file; beside other calls.
  Status Backup(const std::string& path) const { return store_->Backup(path); }
  /// A new store of it. The manager that opens it begins a term of its own.
  static Status Restore(const std::string& path, const std::string& directory) {
    return KeyValueStore::Restore(path, directory);
  }

 private:
  struct Queued {
    uint64_t term = 0;
    std::vector<JobRecord> jobs;
    std::vector<WorkerRecord> workers;
    Done done;
  };
  /// Texts by version, as they are stored.
  using Texts = std::map<uint64_t, std::shared_ptr<const std::string>>;

  explicit EmbeddedStore(std::unique_ptr<KeyValueStore> store);
  void WriteQueued();
  void AddChanges(const JobRecord& job, std::vector<KeyValueStore::Change>& changes);

  const std::unique_ptr<KeyValueStore> store_;
  std::map<std::string, Texts> texts_;  ///< Of the writing thread, and of Load before it.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  uint64_t term_ = 0;  ///< Under mutex_.
  bool ending_ = false;
  std::thread writer_;
};

}  // namespace weir::manager
