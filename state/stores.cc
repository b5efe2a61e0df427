#include "state/stores.h"

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "state/checkpoint_store.h"
#include "state/errors.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kCheckpointDamaged;
using errors::kLocalState;
using errors::kLocalStateDamaged;

constexpr uint64_t kMostLevel0Files = 18;

bool IsDigits(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsTableFile(std::string_view name) {
  return name.ends_with(".sst") && IsDigits(name.substr(0, name.size() - 4));
}

bool IsManifestFile(std::string_view name) {
  return name.starts_with("MANIFEST-") && IsDigits(name.substr(9));
}

std::string StoredKey(KeySlot slot, StoredTableId table, std::string_view rest) {
  std::string key;
  key.reserve(kStoredPrefixBytes + rest.size());
  AppendStoredPrefix(key, slot, table);
  key += rest;
  return key;
}

/// Checks a value's tag: a row, or erased. False where it is neither.
bool ReadTag(std::string_view value, bool& erased) {
  if (value.size() == 1 && value[0] == kErasedTag) {
    erased = true;
    return true;
  }
  erased = false;
  return !value.empty() && value[0] == kRowTag;
}

Status BadEntry(const RocksStore& store) {
  return Status(
      kLocalStateDamaged,
      "the state in " + store.directory() + " holds an entry that this weir does not understand",
      "use the version of weir that wrote it, or a newer one");
}

/// Whether a walk goes on in its slot.
enum class Walk { kOn, kNextSlot };

/// Visits what a walk finds with lower <= rest < upper in each slot. Slots without any entry cost
/// nothing: the next key that there is tells where to go on.
Status Visit(const RocksStore& store, SlotRange range, StoredTableId table, std::string_view lower,
             std::string_view upper, bool by_key,
             const std::function<Result<Walk>(KeySlot, std::string_view rest,
                                              std::string_view value)>& visit) {
  if (range.begin >= range.end) return Status::Ok();
  std::string from;
  std::string bound_bytes;
  AppendStoredPrefix(bound_bytes, static_cast<KeySlot>(range.end - 1), table);
  bound_bytes += upper;
  const rocksdb::Slice bound(bound_bytes);
  const std::unique_ptr<rocksdb::Iterator> at = store.Walk(bound, by_key);
  uint32_t slot = range.begin;
  while (slot < range.end) {
    from.clear();
    AppendStoredPrefix(from, static_cast<KeySlot>(slot), table);
    from += lower;
    uint32_t next = slot + 1;
    for (at->Seek(from); at->Valid(); at->Next()) {
      const std::string_view stored = at->key().ToStringView();
      if (stored.size() < kStoredPrefixBytes) return BadEntry(store);
      const std::string_view rest = stored.substr(kStoredPrefixBytes);
      if (SlotOfStored(stored) != slot || TableOfStored(stored) != table || rest >= upper) {
        next = std::max<uint32_t>(next, SlotOfStored(stored));
        break;
      }
      const Walk walk =
          WEIR_TRY(visit(static_cast<KeySlot>(slot), rest, at->value().ToStringView()));
      if (walk == Walk::kNextSlot) break;
    }
    if (!at->status().ok()) {
      return Status(
          at->status().IsCorruption() ? kLocalStateDamaged : kLocalState,
          "cannot read the local state in " + store.directory() + ": " + at->status().ToString(),
          "restart the job: it begins again from its checkpoint; look at the disk");
    }
    if (!at->Valid()) break;
    slot = next;
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<Stores>> Stores::Open(Options options,
                                             const std::vector<proto::StoredStore>& restored) {
  std::unique_ptr<Stores> stores(new Stores(std::move(options)));
  WEIR_TRY(stores->OpenRestored(restored));
  return stores;
}

Status Stores::OpenRestored(const std::vector<proto::StoredStore>& restored) {
  WEIR_TRY(files::MakeDirectories(kLocalState, options_.directory));
  const std::vector<std::string> earlier = WEIR_TRY(files::List(kLocalState, options_.directory));
  AdoptMarks(restored);
  store_id_ = RandomId();
  folder_ = options_.directory + "/" + store_id_;
  if (WEIR_MUTANT("live_directory_reopened") && !earlier.empty()) {
    folder_ = options_.directory + "/" + earlier.front();
    for (const proto::StoredStore& stored : restored) WEIR_TRY(AdoptTables(stored));
    own_ = WEIR_TRY(RocksStore::Open(folder_ + "/own", RocksStore::Mode::kLinked, options_.cache,
                                     compaction_marks_));
    return Status::Ok();
  }
  // Whatever an earlier opening left may hold more than any checkpoint: it is never opened.
  for (const std::string& name : earlier) {
    WEIR_TRY(files::RemoveAll(kLocalState, options_.directory + "/" + name));
  }
  WEIR_TRY(files::MakeDirectories(kLocalState, folder_));
  if (WEIR_FAILPOINT("state.restore.begin")) {
    return files::SystemError(kLocalState, "write", folder_, ENOSPC);
  }
  uint64_t full_check_left = options_.full_check_bytes;
  for (const proto::StoredStore& stored : restored) {
    if (stored.slot_begin() > stored.slot_end() || stored.slot_end() > kKeySlots) {
      return Status(kCheckpointDamaged, "a store of the checkpoint has an impossible slot range");
    }
    WEIR_TRY(AdoptTables(stored));
  }
  size_t first_other = 0;
  if (!restored.empty() && restored[0].slot_begin() == options_.range.begin &&
      restored[0].slot_end() == options_.range.end) {
    // The same slots as before, or fewer: the files go on as they are.
    first_other = 1;
    dropped_tables_.insert(restored[0].dropped_tables().begin(),
                           restored[0].dropped_tables().end());
    WEIR_TRY(FetchFiles(restored[0], folder_ + "/own", full_check_left));
    for (const proto::StoredFile& file : restored[0].files()) {
      if (IsTableFile(file.name())) own_files_[file.name()] = file;
    }
    own_ = WEIR_TRY(RocksStore::Open(folder_ + "/own", RocksStore::Mode::kLinked, options_.cache,
                                     compaction_marks_));
  } else {
    own_ = WEIR_TRY(RocksStore::Open(folder_ + "/own", RocksStore::Mode::kNew, options_.cache,
                                     compaction_marks_));
  }
  for (size_t i = first_other; i < restored.size(); i++) {
    Other other;
    other.stored = restored[i];
    other.range = {restored[i].slot_begin(), restored[i].slot_end()};
    if (other.range.begin == other.range.end) continue;
    const std::string directory = folder_ + "/other-" + std::to_string(i);
    WEIR_TRY(FetchFiles(restored[i], directory, full_check_left));
    other.rocks =
        WEIR_TRY(RocksStore::Open(directory, RocksStore::Mode::kReadOnly, options_.cache, nullptr));
    others_.push_back(std::move(other));
  }
  for (auto& [name, table] : tables_) {
    for (const Other& other : others_) {
      const auto id = other.stored.tables().find(name);
      table->others.push_back(id == other.stored.tables().end()
                                  ? std::nullopt
                                  : std::optional(static_cast<StoredTableId>(id->second)));
    }
    if (first_other == 1) {
      // Ids of the own database's files stand; new names got theirs above those.
      const auto id = restored[0].tables().find(name);
      WEIR_CHECK(id == restored[0].tables().end() || table->own == id->second);
    }
  }
  if (WEIR_FAILPOINT("state.restore.end")) {
    return files::SystemError(kLocalState, "write", folder_, ENOSPC);
  }
  return Status::Ok();
}

Status Stores::AdoptTables(const proto::StoredStore& stored) {
  // The first store's ids are taken first, so that they stand where its files become the own ones.
  std::map<uint32_t, std::string> by_id;
  for (const auto& [name, id] : stored.tables()) {
    const bool known_kind = id < 3 * kTablesOfAKind;
    const auto shape = stored.shapes().find(name);
    if (!known_kind || !by_id.emplace(id, name).second || shape == stored.shapes().end() ||
        shape->second != ShapeOf(KindOf(static_cast<StoredTableId>(id)))) {
      return Status(errors::kTableShape,
                    "the state of " + name + " was stored in a form that this weir does not know",
                    "use the version of weir that wrote it, or a newer one");
    }
  }
  for (const uint32_t id : stored.dropped_tables()) {
    if (id >= 3 * kTablesOfAKind || by_id.contains(id)) {
      return Status(kCheckpointDamaged, "a store of the checkpoint drops a table that it has");
    }
  }
  for (const auto& [id, name] : by_id) {
    const auto stored_id = static_cast<StoredTableId>(id);
    const auto known = tables_.find(name);
    if (known != tables_.end()) {
      if (KindOf(known->second->own) != KindOf(stored_id)) {
        return Status(errors::kTableShape, "the state of " + name + " was stored in two forms");
      }
      continue;
    }
    auto table = std::make_unique<Table>();
    table->name = name;
    const auto kind = static_cast<size_t>(KindOf(stored_id));
    const uint32_t n = id % kTablesOfAKind;
    const bool free = n >= next_table_[kind];
    const uint32_t taken = free ? n : next_table_[kind];
    if (taken >= kTablesOfAKind) {
      return Status(errors::kTableShape, "the job has had more tables than there are numbers");
    }
    next_table_[kind] = taken + 1;
    table->own = MakeTableId(KindOf(stored_id), taken);
    tables_.emplace(name, std::move(table));
  }
  for (const uint32_t id : stored.dropped_tables()) {
    uint32_t& next = next_table_[static_cast<size_t>(KindOf(static_cast<StoredTableId>(id)))];
    next = std::max(next, id % kTablesOfAKind + 1);
  }
  return Status::Ok();
}

/// Of an old task's stores the first has all of its slots and tables, and its marks speak for the
/// others. Where old tasks differ, a slice is dropped only if it was in all of them.
void Stores::AdoptMarks(const std::vector<proto::StoredStore>& restored) {
  for (auto stored = restored.begin(); stored != restored.end(); ++stored) {
    for (const auto& [name, mark] : stored->marks()) {
      const bool spoken_for = std::any_of(restored.begin(), stored, [&](const auto& earlier) {
        return earlier.slot_begin() < stored->slot_end() &&
               stored->slot_begin() < earlier.slot_end() && earlier.tables().contains(name);
      });
      if (spoken_for) continue;
      const auto [at, fresh] = restored_marks_.emplace(name, mark);
      if (fresh) continue;
      proto::TableMark& merged = at->second;
      merged.set_dropped_up_to_us(std::min(merged.dropped_up_to_us(), mark.dropped_up_to_us()));
      merged.mutable_slice_ends()->MergeFrom(mark.slice_ends());
    }
  }
}

Status Stores::FetchFiles(const proto::StoredStore& stored, const std::string& directory,
                          uint64_t& full_check_left) {
  WEIR_TRY(files::MakeDirectories(kLocalState, directory));
  std::string manifest;
  for (const proto::StoredFile& file : stored.files()) {
    const bool is_manifest = IsManifestFile(file.name());
    if (!is_manifest && !IsTableFile(file.name())) {
      return Status(kCheckpointDamaged,
                    "the checkpoint names a file '" + file.name() + "' that no store has");
    }
    // All blocks of a table file carry checksums, which are looked at whenever one is read; the
    // rest of a file too large to be read at the start is found damaged then.
    const bool full = is_manifest || file.size() <= full_check_left;
    if (full && !is_manifest) full_check_left -= file.size();
    if (is_manifest) manifest = file.name();
    // RocksDB never changes a table file; it may append to its manifest.
    WEIR_TRY(options_.store->Fetch(file, directory + "/" + file.name(),
                                   full ? FetchCheck::kFull : FetchCheck::kSize,
                                   /*copy=*/is_manifest));
  }
  if (manifest.empty()) {
    return Status(kCheckpointDamaged, "a store of the checkpoint has no manifest");
  }
  return files::WriteNew(kLocalState, directory + "/CURRENT", manifest + "\n");
}

Result<const Stores::Table*> Stores::OpenTable(const std::string& name, TableKind kind) {
  const auto known = tables_.find(name);
  if (known != tables_.end()) {
    if (KindOf(known->second->own) != kind) {
      return Status(errors::kTableShape,
                    "the state of " + name + " was stored as " +
                        std::string(ShapeOf(KindOf(known->second->own))) + ", and is now " +
                        std::string(ShapeOf(kind)),
                    "give the changed step another name, or start with --fresh");
    }
    return static_cast<const Table*>(known->second.get());
  }
  uint32_t& next = next_table_[static_cast<size_t>(kind)];
  if (next >= kTablesOfAKind) {
    return Status(errors::kTableShape, "the job has had more tables than there are numbers");
  }
  auto table = std::make_unique<Table>();
  table->name = name;
  table->own = MakeTableId(kind, next++);
  table->others.resize(others_.size());
  return static_cast<const Table*>(tables_.emplace(name, std::move(table)).first->second.get());
}

const proto::TableMark* Stores::RestoredMark(const std::string& name) const {
  const auto mark = restored_marks_.find(name);
  return mark == restored_marks_.end() ? nullptr : &mark->second;
}

Result<bool> Stores::Get(const Table& table, KeySlot slot, std::string_view rest,
                         std::string& row) const {
  const auto look = [&](const RocksStore& store, StoredTableId id, bool& decided) -> Result<bool> {
    decided = WEIR_TRY(store.Get(StoredKey(slot, id, rest), row));
    if (!decided) return false;
    bool erased = false;
    if (!ReadTag(row, erased)) return BadEntry(store);
    row.erase(0, 1);
    return !erased;
  };
  bool decided = false;
  const bool found = WEIR_TRY(look(*own_, table.own, decided));
  if (decided) return found;
  for (size_t i = 0; i < others_.size(); i++) {
    if (!table.others[i] || !others_[i].range.Contains(slot)) continue;
    const bool there = WEIR_TRY(look(*others_[i].rocks, *table.others[i], decided));
    if (decided) return there;
  }
  return false;
}

Result<bool> Stores::Hidden(const Table& table, size_t before_other, KeySlot slot,
                            std::string_view rest) const {
  std::string value;
  if (WEIR_TRY(own_->Get(StoredKey(slot, table.own, rest), value))) return true;
  for (size_t i = 0; i < before_other; i++) {
    if (!table.others[i] || !others_[i].range.Contains(slot)) continue;
    if (WEIR_TRY(others_[i].rocks->Get(StoredKey(slot, *table.others[i], rest), value))) {
      return true;
    }
  }
  return false;
}

Status Stores::ScanOther(const Table& table, size_t other, SlotRange range, std::string_view lower,
                         std::string_view upper, Extent extent, const Visitor& visit) const {
  if (!table.others[other]) return Status::Ok();
  const RocksStore& store = *others_[other].rocks;
  const SlotRange bound = {std::max(range.begin, others_[other].range.begin),
                           std::min(range.end, others_[other].range.end)};
  return Visit(store, bound, *table.others[other], lower, upper, extent == Extent::kOneKey,
               [&](KeySlot slot, std::string_view rest, std::string_view value) -> Result<Walk> {
                 bool erased = false;
                 if (!ReadTag(value, erased)) return BadEntry(store);
                 if (erased || WEIR_TRY(Hidden(table, other, slot, rest))) return Walk::kOn;
                 WEIR_TRY(visit(slot, rest, value.substr(1)));
                 return extent == Extent::kFirstOfSlot ? Walk::kNextSlot : Walk::kOn;
               });
}

Status Stores::ScanRange(const Table& table, SlotRange range, std::string_view lower,
                         std::string_view upper, Extent extent, const Visitor& visit) const {
  const auto visit_own = [&](KeySlot slot, std::string_view rest,
                             std::string_view value) -> Result<Walk> {
    bool erased = false;
    if (!ReadTag(value, erased)) return BadEntry(*own_);
    if (erased) return Walk::kOn;
    WEIR_TRY(visit(slot, rest, value.substr(1)));
    return extent == Extent::kFirstOfSlot ? Walk::kNextSlot : Walk::kOn;
  };
  std::unique_lock<std::mutex> still(moving_, std::defer_lock);
  if (merging()) still.lock();
  WEIR_TRY(Visit(*own_, range, table.own, lower, upper, extent == Extent::kOneKey, visit_own));
  for (size_t i = 0; i < others_.size(); i++) {
    WEIR_TRY(ScanOther(table, i, range, lower, upper, extent, visit));
  }
  return Status::Ok();
}

Status Stores::Scan(const Table& table, std::string_view lower, std::string_view upper,
                    const Visitor& visit) const {
  return ScanRange(table, options_.range, lower, upper, Extent::kAll, visit);
}

Status Stores::ScanFirst(const Table& table, std::string_view lower, std::string_view upper,
                         const Visitor& visit) const {
  return ScanRange(table, options_.range, lower, upper, Extent::kFirstOfSlot, visit);
}

Status Stores::ScanKey(const Table& table, KeySlot slot, std::string_view prefix,
                       const Visitor& visit) const {
  // The lowest time and above the highest one: filters know a key with any 8 bytes behind it.
  const std::string lower = std::string(prefix) + std::string(8, '\0');
  const std::string upper = std::string(prefix) + std::string(9, '\xff');
  return ScanRange(table, {slot, static_cast<uint32_t>(slot) + 1}, lower, upper, Extent::kOneKey,
                   visit);
}

Status Stores::Ingest(ChangeSet& changes) {
  changes.Sort();
  own_->WaitForCompaction(kMostLevel0Files);
  return own_->Ingest(changes, /*keep_erased=*/merging());
}

Result<uint32_t> Stores::MoveSlots(const Marks& marks, uint64_t& moved_bytes) {
  uint32_t slot = options_.range.end;
  for (const Other& other : others_) slot = std::min(slot, other.range.begin);
  ChangeSet moved;
  while (slot < options_.range.end && moved.bytes.size() < options_.merge_bytes) {
    for (const auto& [name, table] : tables_) {
      const TableKind kind = KindOf(table->own);
      const auto mark = marks.tables.find(name);
      for (size_t i = 0; i < others_.size(); i++) {
        WEIR_TRY(ScanOther(*table, i, {slot, slot + 1}, {}, std::string(16, '\xff'), Extent::kAll,
                           [&](KeySlot at, std::string_view rest, std::string_view row) -> Status {
                             EventTime time;
                             std::string_view key;
                             if (!SplitRest(kind, rest, time, key))
                               return BadEntry(*others_[i].rocks);
                             if (kind == TableKind::kSlices && mark != marks.tables.end() &&
                                 time.us <= mark->second.dropped_up_to_us()) {
                               return Status::Ok();
                             }
                             const size_t offset = moved.bytes.size();
                             AppendStoredPrefix(moved.bytes, at, table->own);
                             moved.bytes += rest;
                             const size_t value = moved.bytes.size();
                             moved.bytes += kRowTag;
                             moved.bytes += row;
                             moved.Finish(offset, value, /*erased=*/false);
                             return Status::Ok();
                           }));
      }
    }
    slot++;
  }
  moved_bytes = moved.bytes.size();
  moved.Sort();
  own_->WaitForCompaction(kMostLevel0Files);
  const std::lock_guard<std::mutex> still(moving_);
  WEIR_TRY(own_->Ingest(moved, /*keep_erased=*/true));
  return slot;
}

Result<proto::StoredFile> Stores::Upload(const std::string& path, const std::string& name,
                                         Written& written) {
  const std::string id = store_id_ + "-" + std::to_string(next_upload_++);
  proto::StoredFile file = WEIR_TRY(options_.store->PutFile(id, path, name));
  written.uploaded.push_back(id);
  written.uploaded_bytes += file.size();
  return file;
}

Result<Stores::Written> Stores::Write(const Marks& marks) {
  Written written;
  const std::string link = folder_ + "/link";
  const auto write = [&]() -> Status {
    written.merged_up_to = options_.range.begin;
    if (merging()) written.merged_up_to = WEIR_TRY(MoveSlots(marks, written.moved_bytes));
    WEIR_TRY(files::RemoveAll(kLocalState, link));
    const std::vector<std::string> names = WEIR_TRY(own_->Link(link));
    proto::StoredStore own;
    own.set_store_id(store_id_);
    own.set_slot_begin(options_.range.begin);
    own.set_slot_end(options_.range.end);
    for (const auto& [name, table] : tables_) {
      (*own.mutable_tables())[name] = table->own;
      (*own.mutable_shapes())[name] = ShapeOf(KindOf(table->own));
    }
    for (const auto& [name, mark] : marks.tables) (*own.mutable_marks())[name] = mark;
    for (const StoredTableId id : dropped_tables_) own.add_dropped_tables(id);
    for (const std::string& name : names) {
      const auto known = own_files_.find(name);
      bool same = known != own_files_.end();
      if (same && !IsTableFile(name)) {
        // RocksDB appends to its manifest, unless nothing has changed.
        const files::Digest digest = WEIR_TRY(files::DigestOf(kLocalState, link + "/" + name));
        same = digest.size == known->second.size() && digest.sha256 == known->second.sha256();
      }
      const proto::StoredFile file =
          same ? known->second : WEIR_TRY(Upload(link + "/" + name, name, written));
      written.own_files[name] = file;
      *own.add_files() = file;
    }
    written.stores.push_back(std::move(own));
    for (const Other& other : others_) {
      if (written.merged_up_to >= other.range.end) continue;
      proto::StoredStore stored = other.stored;
      stored.set_slot_begin(std::max(other.range.begin, written.merged_up_to));
      stored.set_slot_end(other.range.end);
      written.stores.push_back(std::move(stored));
    }
    return Status::Ok();
  };
  Status outcome = write();
  (void)files::RemoveAll(kLocalState, link);
  if (!outcome.ok()) {
    Forget(written.uploaded);
    return outcome;
  }
  return written;
}

void Stores::Completed(const Written& written) {
  own_files_ = written.own_files;
  for (size_t i = others_.size(); i-- > 0;) {
    others_[i].range.begin = std::max(others_[i].range.begin, written.merged_up_to);
    if (others_[i].range.begin < others_[i].range.end) continue;
    const std::string directory = others_[i].rocks->directory();
    others_[i].rocks.reset();
    (void)files::RemoveAll(kLocalState, directory);
    others_.erase(others_.begin() + static_cast<ptrdiff_t>(i));
    for (auto& [name, table] : tables_) {
      table->others.erase(table->others.begin() + static_cast<ptrdiff_t>(i));
    }
  }
}

void Stores::Forget(const std::vector<std::string>& uploaded) {
  for (const std::string& id : uploaded) (void)options_.store->RemoveFile(id);
}

void Stores::AdvanceMarks(const Marks& marks) {
  CompactionMarks::View view;
  view.range = options_.range;
  view.drop_erased = others_.empty();
  view.dropped_tables = dropped_tables_;
  for (const auto& [name, mark] : marks.tables) {
    const auto table = tables_.find(name);
    if (table == tables_.end()) continue;
    if (KindOf(table->second->own) == TableKind::kSlices) {
      view.dropped_up_to[table->second->own] = EventTime{mark.dropped_up_to_us()};
    }
  }
  compaction_marks_->Set(std::move(view));
}

}  // namespace weir
