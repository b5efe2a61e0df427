#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "state/entry_arena.h"
#include "state/hot_map.h"
#include "state/stores.h"
#include "state/tables.h"

namespace weir {

/// What the tables of one task share. One thread.
struct TaskTables {
  TaskTables(Stores& stores_in, SlotRange range_in) : stores(stores_in), range(range_in) {}
  Stores& stores;
  const SlotRange range;
  EntryArena arena;
  size_t heap_bytes = 0;     ///< Owned by rows, when last looked at.
  size_t changed_bytes = 0;  ///< Of the changed entries: what a seal would copy, roughly.
  uint64_t entries = 0;
  uint64_t evicted = 0;
  uint64_t read_back = 0;
  std::string scratch;  ///< For rows on their way.
  Status status;        ///< The first error.

  /// Keeps the first error, and gives this one back.
  Status Fail(Status error) {
    if (status.ok()) status = error;
    return error;
  }
};

/// A table in memory as its task handles it. The entries in memory are always newer than, or as new
/// as, those in the stores: whatever changed since the last completed checkpoint is in memory, also
/// that an entry was erased. An entry that is not in memory is as the stores say, or known not to
/// exist where nothing was ever evicted or restored.
class HotTable {
 public:
  virtual ~HotTable() = default;
  /// Copies the changed entries and counts them as in flight.
  virtual void Seal(ChangeSet& changes) = 0;
  /// What was in flight is stored for good, or else is changed again.
  virtual void Completed(bool ok) = 0;
  /// What the manifest says of the table.
  virtual proto::TableMark Mark() const = 0;
  /// Gives up about `bytes` of entries not used lately; returns how much. With `spill` also changed
  /// ones, which are added to it and go at FinishSpill(true); without, only unchanged ones.
  virtual size_t Evict(size_t bytes, ChangeSet* spill) = 0;
  virtual void FinishSpill(bool ok) = 0;
  /// Looks again at how much heap the changed rows own, where that may have changed much.
  virtual void Recount() {}
  /// Bytes beside the entries themselves.
  virtual size_t IndexBytes() const = 0;
  virtual size_t EntryCount() const = 0;
  virtual size_t ChangedCount() const = 0;
};

/// Entries of one layout: making, freeing, writing and counting them. `E` begins with Entry.
template <typename E>
class EntryKeeper {
 public:
  /// `layout` null: entries have no row.
  EntryKeeper(TaskTables& tables, const Stores::Table& table, const RowLayout* layout)
      : tables_(tables),
        table_(table),
        layout_(layout),
        row_bytes_(layout ? (layout->size() + 7) / 8 * 8 : 0),
        owns_heap_(layout && layout->OwnsHeap()) {}

  std::byte* RowOf(E* entry) const { return reinterpret_cast<std::byte*>(entry + 1); }
  const std::byte* RowOf(const E* entry) const {
    return reinterpret_cast<const std::byte*>(entry + 1);
  }
  E* EntryOf(std::byte* row) const { return reinterpret_cast<E*>(row) - 1; }
  std::string_view KeyOf(const E* entry) const {
    return {reinterpret_cast<const char*>(entry + 1) + row_bytes_, entry->key_size};
  }
  size_t BytesOf(const E* entry) const { return sizeof(E) + row_bytes_ + entry->key_size; }

  /// A clean entry with an initialised row.
  E* Make(std::string_view key, uint64_t hash) {
    auto* entry = static_cast<E*>(tables_.arena.Allocate(sizeof(E) + row_bytes_ + key.size()));
    *entry = E{};
    entry->hash = hash;
    entry->key_size = static_cast<uint32_t>(key.size());
    entry->dirty_index = Entry::kClean;
    if (!key.empty()) {
      std::memcpy(reinterpret_cast<char*>(entry + 1) + row_bytes_, key.data(), key.size());
    }
    if (layout_) layout_->Init(RowOf(entry));
    tables_.entries++;
    return entry;
  }
  /// Ends the row, not the entry.
  void DestroyRow(E* entry) {
    if (owns_heap_) {
      layout_->Destroy(RowOf(entry));
      tables_.heap_bytes -= size_t{entry->heap_units} * 64;
    }
    entry->heap_units = 0;
  }
  void Free(E* entry) {
    if (!entry->Has(Entry::kErased)) DestroyRow(entry);
    tables_.entries--;
    tables_.arena.Free(entry, BytesOf(entry));
  }
  /// From the stored form; false where the bytes are damaged.
  bool Decode(std::string_view stored, E* entry) {
    if (!layout_) return stored.empty();
    if (!layout_->Decode(stored, RowOf(entry))) return false;
    CountHeap(entry);
    return true;
  }
  void CountHeap(E* entry) {
    if (!owns_heap_ || entry->Has(Entry::kErased)) return;
    const size_t units = std::min<size_t>((layout_->HeapBytes(RowOf(entry)) + 63) / 64, 0xffffffff);
    tables_.heap_bytes += units * 64;
    tables_.heap_bytes -= size_t{entry->heap_units} * 64;
    entry->heap_units = static_cast<uint32_t>(units);
  }
  /// Appends a record of the entry; `rest` appends what follows slot and table.
  template <typename Rest>
  void Write(const E* entry, ChangeSet& changes, Rest rest) {
    const size_t offset = changes.bytes.size();
    AppendStoredPrefix(changes.bytes, static_cast<KeySlot>(entry->hash % kKeySlots), table_.own);
    rest(changes.bytes);
    const size_t value = changes.bytes.size();
    const bool erased = entry->Has(Entry::kErased);
    if (!erased) {
      changes.bytes += kRowTag;
      if (layout_) layout_->Encode(RowOf(entry), changes.bytes);
    }
    changes.Finish(offset, value, erased);
  }
  void Changed(ChangedList& list, E* entry) {
    if (entry->dirty()) return;
    list.Add(entry);
    tables_.changed_bytes += BytesOf(entry) + sizeof(ChangeSet::Record);
  }
  void Unchanged(ChangedList& list, E* entry) {
    if (!entry->dirty()) return;
    list.Remove(entry);
    tables_.changed_bytes -= BytesOf(entry) + sizeof(ChangeSet::Record);
  }
  /// Where the list as a whole was taken.
  void Taken(E* entry) {
    entry->dirty_index = Entry::kClean;
    tables_.changed_bytes -= BytesOf(entry) + sizeof(ChangeSet::Record);
  }

  TaskTables& tables() const { return tables_; }
  const Stores::Table& table() const { return table_; }
  const RowLayout* layout() const { return layout_; }
  size_t row_bytes() const { return row_bytes_; }
  bool owns_heap() const { return owns_heap_; }
  Status Damaged() const;

 private:
  TaskTables& tables_;
  const Stores::Table& table_;
  const RowLayout* const layout_;
  const size_t row_bytes_;
  const bool owns_heap_;
};

/// Calls `f` with each entry of a list. Those that come soon are brought near meanwhile: a list of
/// changed entries leads all over the memory.
template <typename E, typename F>
void ForEachEntry(const std::vector<Entry*>& entries, F f) {
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < entries.size(); i++) {
    if (i + kAhead < entries.size()) {
      const auto* soon = reinterpret_cast<const std::byte*>(entries[i + kAhead]);
      __builtin_prefetch(soon);
      __builtin_prefetch(soon + 64);
    }
    f(static_cast<E*>(entries[i]));
  }
}

/// The error of a row whose stored form does not fit its layout.
Status DamagedRow(const std::string& table);

template <typename E>
Status EntryKeeper<E>::Damaged() const {
  return DamagedRow(table_.name);
}

/// A row of a layout outside any table, for entries that are only shown.
class LooseRow {
 public:
  explicit LooseRow(const RowLayout& layout)
      : layout_(layout), bytes_((layout.size() + 7) / 8 + 1) {
    layout_.Init(row());
  }
  ~LooseRow() {
    if (layout_.OwnsHeap()) layout_.Destroy(row());
  }
  LooseRow(const LooseRow&) = delete;
  LooseRow& operator=(const LooseRow&) = delete;
  std::byte* row() { return reinterpret_cast<std::byte*>(bytes_.data()); }

 private:
  const RowLayout& layout_;
  std::vector<uint64_t> bytes_;
};

std::unique_ptr<HotTable> MakeHotSlices(TaskTables& tables, const Stores::Table& table,
                                        const RowLayout& layout, SliceTable** out);
std::unique_ptr<HotTable> MakeHotKeys(TaskTables& tables, const Stores::Table& table,
                                      const RowLayout& layout, KeyTable** out);
std::unique_ptr<HotTable> MakeHotTimers(TaskTables& tables, const Stores::Table& table,
                                        TimerTable** out);

}  // namespace weir
