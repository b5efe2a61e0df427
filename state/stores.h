#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/time.h"
#include "proto/manifest.pb.h"
#include "state/rocks_store.h"
#include "state/stored_form.h"

namespace weir {

class CheckpointStore;

/// The stored part of a task's state: its own database, and those of other tasks that it still goes
/// on from after a rescale, each bound to a range of slots (rule 12). An entry is looked up in the
/// own one first, then in the others in their order; the first that knows the key decides.
///
/// The others are read only. Each checkpoint moves some of their slots into the own database,
/// lowest first, until none is left. Reads belong to the task's thread. Ingest belongs to the
/// task's thread while no checkpoint is being written, to the writing thread while one is.
class Stores {
 public:
  struct Options {
    std::string directory;
    SlotRange range;
    std::shared_ptr<BlockCache> cache;
    CheckpointStore* store = nullptr;
    uint64_t full_check_bytes = 0;
    uint64_t merge_bytes = 0;
  };
  /// A table in all stores: its id in the own one, and in each other (none where it lacks there).
  struct Table {
    std::string name;
    StoredTableId own = 0;
    std::vector<std::optional<StoredTableId>> others;
  };
  /// What a checkpoint says beside the entries, taken at the barrier.
  struct Marks {
    std::map<std::string, proto::TableMark> tables;
  };
  /// A checkpoint's part, and what to remember once it is durable.
  struct Written {
    std::vector<proto::StoredStore> stores;
    std::vector<std::string> uploaded;
    uint64_t uploaded_bytes = 0;
    uint64_t moved_bytes = 0;
    std::map<std::string, proto::StoredFile> own_files;
    uint32_t merged_up_to = 0;
  };

  static Result<std::unique_ptr<Stores>> Open(Options options,
                                              const std::vector<proto::StoredStore>& restored);

  /// The table `step/table`; made where it is new. An error where it was stored as another kind.
  Result<const Table*> OpenTable(const std::string& name, TableKind kind);
  /// What the restored checkpoint said of a table; null where it did not know it.
  const proto::TableMark* RestoredMark(const std::string& name) const;

  /// The stored row (without its tag) of `rest` in `slot`; false where there is none.
  Result<bool> Get(const Table& table, KeySlot slot, std::string_view rest, std::string& row) const;
  using Visitor = std::function<Status(KeySlot slot, std::string_view rest, std::string_view row)>;
  /// Entries with lower <= rest < upper of each slot of the task's range, slot by slot, each once.
  Status Scan(const Table& table, std::string_view lower, std::string_view upper,
              const Visitor& visit) const;
  /// The first of those entries of each slot (of each store that has one).
  Status ScanFirst(const Table& table, std::string_view lower, std::string_view upper,
                   const Visitor& visit) const;
  /// Entries of one key of a key table; `prefix` as AppendKeyPrefix makes it.
  Status ScanKey(const Table& table, KeySlot slot, std::string_view prefix,
                 const Visitor& visit) const;

  /// Sorts changes and takes them into the own database.
  Status Ingest(ChangeSet& changes);
  /// Everything of a checkpoint after the ingest: moves some slots, links, uploads.
  Result<Written> Write(const Marks& marks);
  /// What Write gave is durable.
  void Completed(const Written& written);
  /// Takes uploads of a checkpoint that will not be back out of the store.
  void Forget(const std::vector<std::string>& uploaded);

  /// Lets compaction drop what a sealed checkpoint does not count on.
  void AdvanceMarks(const Marks& marks);

  bool merging() const { return !others_.empty(); }
  const RocksStore& own() const { return *own_; }
  size_t count() const { return 1 + others_.size(); }

 private:
  struct Other {
    proto::StoredStore stored;
    std::unique_ptr<RocksStore> rocks;
    SlotRange range;
  };
  explicit Stores(Options options) : options_(std::move(options)) {}
  Status OpenRestored(const std::vector<proto::StoredStore>& restored);
  Status FetchFiles(const proto::StoredStore& stored, const std::string& directory,
                    uint64_t& full_check_left);
  Status AdoptTables(const proto::StoredStore& stored);
  void AdoptMarks(const std::vector<proto::StoredStore>& restored);
  Result<bool> Hidden(const Table& table, size_t before_other, KeySlot slot,
                      std::string_view rest) const;
  enum class Extent { kAll, kFirstOfSlot, kOneKey };
  Status ScanRange(const Table& table, SlotRange range, std::string_view lower,
                   std::string_view upper, Extent extent, const Visitor& visit) const;
  Status ScanOther(const Table& table, size_t other, SlotRange range, std::string_view lower,
                   std::string_view upper, Extent extent, const Visitor& visit) const;
  Result<uint32_t> MoveSlots(const Marks& marks, uint64_t& moved_bytes);
  Result<proto::StoredFile> Upload(const std::string& path, const std::string& name,
                                   Written& written);

  const Options options_;
  std::string folder_;  ///< Of this opening, inside options_.directory.
  std::string store_id_;
  /// Held while slots are moved into the own database, and while the task walks over all stores: an
  /// entry that was moved between the walk over the own store and that over the other would be in
  /// neither.
  mutable std::mutex moving_;
  std::shared_ptr<CompactionMarks> compaction_marks_ = std::make_shared<CompactionMarks>();
  std::unique_ptr<RocksStore> own_;
  std::vector<Other> others_;
  std::map<std::string, std::unique_ptr<Table>> tables_;
  std::map<std::string, proto::TableMark> restored_marks_;
  std::map<std::string, proto::StoredFile> own_files_;  ///< By local name, named by the parent.
  std::set<StoredTableId> dropped_tables_;  ///< Of which the own files may hold dead entries.
  uint64_t next_upload_ = 1;
  uint32_t next_table_[3] = {0, 0, 0};
};

}  // namespace weir
