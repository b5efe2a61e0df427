#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "proto/manifest.pb.h"
#include "state/tables.h"

namespace weir {

class CheckpointStore;

/// The cache of stored blocks that all tasks of a process share. Thread safe.
class BlockCache {
 public:
  explicit BlockCache(size_t bytes);
  ~BlockCache();
  size_t UsedBytes() const;
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// What a task begins with, taken from the newest manifest.
struct RestoredState {
  /// Where two cover a slot, the earlier one wins. Ranges lie inside the task's range.
  std::vector<proto::StoredStore> stores;
  std::map<std::string, proto::SlotCounts> counters;
  std::map<std::string, std::vector<SlotTimes::Part>> closed_up_to;  ///< By step.
};

/// Leaves in a task's checkpoint only what it keeps for the steps that `keeps` says yes to. Files
/// stay as they are: the ids that other steps' tables have in them stay taken, and entries under
/// these are dead. False where nothing of the task's state is left.
bool RestrictTo(proto::TaskCheckpoint& task,
                const std::function<bool(const std::string& step)>& keeps);

/// The part of old tasks that a task with `range` goes on from, whatever their number and whatever
/// other steps they had: stores with the ranges cut to `range`, counts of its slots, and each
/// step's closed_up_to for each of its slots as the task had it that owned the slot.
RestoredState RestoredFor(const std::vector<const proto::TaskCheckpoint*>& tasks, SlotRange range);

struct TaskStateOptions {
  /// Of this task alone; each opening makes a new folder in it and drops what earlier ones left.
  std::string directory;
  SlotRange range;
  size_t memory_budget = 64 << 20;    ///< Bytes of entries in memory, without the block cache.
  std::shared_ptr<BlockCache> cache;  ///< Null: a small one of its own.
  CheckpointStore* store = nullptr;   ///< Outlives the TaskState.
  /// Restored files are checked by full checksum up to this many bytes in all; larger state by size
  /// now and by the checksum of each block when it is read.
  uint64_t full_check_bytes = 32 << 20;
  /// Bytes that one checkpoint at most moves from merged stores into the task's own.
  uint64_t merge_bytes = 64 << 20;
};

/// The changed entries of a task as of a barrier, copied. Made on the task's thread by Seal, used
/// up by Write on any other.
class SealedState {
 public:
  SealedState();
  SealedState(SealedState&&) noexcept;
  SealedState& operator=(SealedState&&) noexcept;
  ~SealedState();
  size_t entries() const;
  struct Impl;

 private:
  friend class TaskState;
  std::unique_ptr<Impl> impl_;
};

/// What a task's state adds to a checkpoint.
struct TaskSnapshot {
  /// `stores`, `counters` and `steps` are filled in; the rest is the engine's.
  proto::TaskCheckpoint checkpoint;
  std::vector<std::string> uploaded;  ///< Ids this try brought to the store (for its clean-up).
  uint64_t uploaded_bytes = 0;
  uint64_t changed_bytes = 0;  ///< Bytes of the changed entries, keys and values.
  uint64_t changed_entries = 0;
};

/// How the state stands, for metrics and tests.
struct TaskStateStats {
  size_t memory_bytes = 0;  ///< Entries in memory, their keys, heap and hash tables.
  uint64_t entries_in_memory = 0;
  uint64_t evicted = 0;          ///< Entries dropped from memory so far.
  uint64_t read_back = 0;        ///< Look-ups that went to the disk.
  uint64_t level0_files = 0;     ///< Sorted runs on level 0 of the own store.
  uint64_t stored_bytes = 0;     ///< Size of the own store's files.
  uint64_t rewritten_bytes = 0;  ///< Written by compaction so far.
  uint64_t stores = 0;           ///< Own store and those still to be merged into it.
};

/// The state of one task (protocol rules 8 to 13).
///
/// Entries live in memory; RocksDB holds what was ever checkpointed or did not fit. All methods
/// belong to the task's thread, except Write, which runs on another thread between Seal and
/// Completed while the task goes on. Order for each barrier: Seal, Write, Completed; there is never
/// a second Seal before Completed.
class TaskState final : public TableOpener {
 public:
  /// Links what `restored` names into a new folder and opens it; what earlier openings left in
  /// `options.directory` is dropped, never opened.
  static Result<std::unique_ptr<TaskState>> Open(TaskStateOptions options, RestoredState restored);
  ~TaskState() override;

  SliceTable& OpenSlices(const std::string& step, const std::string& table,
                         const RowLayout& layout) override;
  KeyTable& OpenKeys(const std::string& step, const std::string& table,
                     const RowLayout& layout) override;
  TimerTable& OpenTimers(const std::string& step, const std::string& table) override;
  SlotCounter& OpenCounter(const std::string& step, const std::string& name) override;
  SlotTimes& ClosedUpTo(const std::string& step) override;
  SlotRange range() const override;

  /// Copies what changed since the last checkpoint. The only part of a checkpoint that holds the
  /// task up.
  SealedState Seal();
  /// Sorts, writes and ingests the sealed entries, links the store and uploads the files that the
  /// parent manifest does not name. On an error nothing of it stays uploaded.
  Result<TaskSnapshot> Write(SealedState sealed);
  /// The manifest with the last sealed state is durable, or that checkpoint was dropped. Must also
  /// be called where Write failed; what was sealed then counts as changed again.
  void Completed(bool ok);

  /// Brings memory back under the budget, between batches: cheap when there is nothing to do.
  /// Entries that changed since the barrier stay while a checkpoint is under way.
  Status Relieve();
  /// True while memory is well over the budget and nothing can be evicted before Completed: the
  /// task takes no rows until then.
  bool MustWait() const;

  /// The first error of the disk or of stored bytes, after which the task must end; ok otherwise.
  const Status& status() const;
  TaskStateStats stats() const;

  struct Impl;

 private:
  explicit TaskState(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
