#pragma once

#include <rocksdb/db.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/time.h"
#include "state/stored_form.h"
#include "state/task_state.h"

namespace weir {

struct BlockCache::Impl {
  std::shared_ptr<rocksdb::Cache> cache;
};

/// What compaction may throw away. Advanced only at a barrier, to what the sealed checkpoint says:
/// otherwise compaction could drop a slice that a checkpoint not yet linked still counts on.
/// Thread safe.
class CompactionMarks {
 public:
  struct View {
    SlotRange range;  ///< Keys of other slots are another task's now.
    std::map<StoredTableId, EventTime> dropped_up_to;
    std::set<StoredTableId> dropped_tables;  ///< Nobody reads these.
    bool drop_erased = false;  ///< No later store is left that an erased tag could hide.
  };
  void Set(View view) {
    std::lock_guard lock(mutex_);
    view_ = std::make_shared<const View>(std::move(view));
  }
  std::shared_ptr<const View> Get() const {
    std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<const View>();
};

/// One RocksDB database of a task, as weir uses it: written only by ingesting sorted files, never
/// through memtable or log. Thread safe as RocksDB is; Ingest and Link have one caller at a time.
class RocksStore {
 public:
  enum class Mode {
    kNew,       ///< An empty folder.
    kLinked,    ///< Files of a checkpoint are in the folder; it goes on from them.
    kReadOnly,  ///< The same, and nothing is written to it.
  };
  static Result<std::unique_ptr<RocksStore>> Open(const std::string& directory, Mode mode,
                                                  const std::shared_ptr<BlockCache>& cache,
                                                  std::shared_ptr<CompactionMarks> marks);
  ~RocksStore();

  /// The value with its tag; false where there is none.
  Result<bool> Get(std::string_view key, std::string& value) const;
  /// A walk over keys in order from `lower` to before `upper` (both outlive it). `by_key`: all keys
  /// in between are entries of one key of a key table, so filters can say that there are none.
  std::unique_ptr<rocksdb::Iterator> Walk(const rocksdb::Slice& upper, bool by_key) const;
  /// Takes sorted changes in as one file. `keep_erased`: erased entries are written as such, for
  /// there are later stores; otherwise they just go. All or nothing.
  Status Ingest(const ChangeSet& changes, bool keep_erased);
  /// Links the files as they are now into `target` (must not be there); their names without those
  /// that a restore does not need.
  Result<std::vector<std::string>> Link(const std::string& target);
  /// Waits until level 0 has fewer than `most` files; gives up silently when compaction stands.
  void WaitForCompaction(uint64_t most);

  uint64_t Level0Files() const;
  uint64_t FileBytes() const;
  uint64_t RewrittenBytes() const;
  const std::string& directory() const { return directory_; }

 private:
  struct Rewritten;
  RocksStore(std::string directory) : directory_(std::move(directory)) {}
  Status FromRocks(const rocksdb::Status& status, std::string_view operation) const;
  const std::string directory_;
  std::shared_ptr<BlockCache> cache_;
  std::shared_ptr<Rewritten> rewritten_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  uint64_t ingests_ = 0;
  bool failed_ = false;
};

}  // namespace weir
