#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/failpoint.h"
#include "batch/key.h"
#include "state/errors.h"
#include "state/evicted_filter.h"
#include "state/hot_table.h"

namespace weir {
namespace {

struct SliceEntry : Entry {
  uint64_t place_hash() const { return hash; }
};

/// Slices in memory: a hash table each, dropped whole.
class HotSlices final : public SliceTable, public HotTable {
 public:
  HotSlices(TaskTables& tables, const Stores::Table& table, const RowLayout& layout)
      : keeper_(tables, table, &layout) {
    if (const proto::TableMark* mark = tables.stores.RestoredMark(table.name)) {
      dropped_up_to_.us = mark->dropped_up_to_us();
      for (const int64_t end : mark->slice_ends()) {
        if (end > dropped_up_to_.us) slices_[end].evicted.AddEverything();
      }
    }
  }
  ~HotSlices() override {
    for (auto& [end, slice] : slices_) FreeAll(slice);
  }

  std::byte* Upsert(EventTime slice_end, std::string_view key, uint64_t hash) override {
    WEIR_CHECK(slice_end > dropped_up_to_, "a row for a slice that was dropped");
    if (last_ == nullptr || last_end_ != slice_end) {
      last_ = &slices_[slice_end.us];
      last_end_ = slice_end;
    }
    Slice& slice = *last_;
    SliceEntry* entry =
        slice.map.Find(hash, [&](const SliceEntry& at) { return keeper_.KeyOf(&at) == key; });
    if (entry == nullptr) {
      entry = keeper_.Make(key, hash);
      if (slice.evicted.MayHold(hash) && !ReadBack(slice_end, key, hash, entry)) return nullptr;
      slice.map.Insert(entry);
    }
    entry->Set(Entry::kReferenced);
    keeper_.Changed(slice.changed, entry);
    touched_++;
    return keeper_.RowOf(entry);
  }

  void Prefetch(EventTime slice_end, std::span<const uint64_t> hashes) override {
    if (last_ == nullptr || last_end_ != slice_end) {
      const auto at = slices_.find(slice_end.us);
      if (at == slices_.end()) return;
      last_ = &at->second;
      last_end_ = slice_end;
    }
    last_->map.Prefetch(hashes);
  }

  std::vector<EventTime> Slices() override {
    std::vector<EventTime> ends;
    ends.reserve(slices_.size());
    for (const auto& [end, slice] : slices_) ends.push_back({end});
    return ends;
  }

  Status Scan(EventTime slice_end, const EntryVisitor& visit) override {
    const auto at = slices_.find(slice_end.us);
    if (at == slices_.end()) return Status::Ok();
    Slice& slice = at->second;
    for (size_t i = 0; i < slice.map.capacity(); i++) {
      slice.map.PrefetchAfter(i);
      SliceEntry* entry = slice.map.At(i);
      if (entry == nullptr) continue;
      WEIR_TRY(visit(slice_end, keeper_.KeyOf(entry), keeper_.RowOf(entry)));
    }
    if (slice.evicted.empty()) return Status::Ok();
    std::string lower;
    AppendOrdered(lower, slice_end.us);
    const std::string upper = UpperOf(slice_end);
    TaskTables& tables = keeper_.tables();
    return tables.stores.Scan(
        keeper_.table(), lower, upper,
        [&](KeySlot, std::string_view rest, std::string_view stored) -> Status {
          EventTime time;
          std::string_view key;
          if (!SplitRest(TableKind::kSlices, rest, time, key))
            return tables.Fail(keeper_.Damaged());
          const uint64_t hash = HashBytes(key);
          if (slice.map.Find(
                  hash, [&](const SliceEntry& entry) { return keeper_.KeyOf(&entry) == key; })) {
            return Status::Ok();
          }
          LooseRow row(*keeper_.layout());
          if (!keeper_.layout()->Decode(stored, row.row())) return tables.Fail(keeper_.Damaged());
          return visit(slice_end, key, row.row());
        });
  }

  Status DropSlices(EventTime up_to) override {
    dropped_up_to_ = std::max(dropped_up_to_, up_to);
    while (!slices_.empty() && slices_.begin()->first <= up_to.us) {
      FreeAll(slices_.begin()->second);
      slices_.erase(slices_.begin());
    }
    last_ = nullptr;
    return Status::Ok();
  }

  void Seal(ChangeSet& changes) override {
    Recount();
    for (auto& [end, slice] : slices_) {
      WEIR_CHECK(slice.in_flight.empty());
      slice.in_flight = slice.changed.Take();
      ForEachEntry<SliceEntry>(slice.in_flight, [&, end = end](SliceEntry* entry) {
        WriteEntry(end, entry, changes);
        keeper_.Taken(entry);
        entry->Set(Entry::kStored);
        entry->Set(Entry::kInFlight);
      });
    }
  }

  void Completed(bool ok) override {
    for (auto& [end, slice] : slices_) {
      const std::vector<Entry*> flown = std::exchange(slice.in_flight, {});
      ForEachEntry<SliceEntry>(flown, [&, &changed = slice.changed](SliceEntry* entry) {
        entry->Clear(Entry::kInFlight);
        if (!ok) keeper_.Changed(changed, entry);
      });
    }
  }

  proto::TableMark Mark() const override {
    proto::TableMark mark;
    mark.set_dropped_up_to_us(dropped_up_to_.us);
    for (const auto& [end, slice] : slices_) mark.add_slice_ends(end);
    return mark;
  }

  size_t Evict(size_t bytes, ChangeSet* spill) override {
    size_t freed = 0;
    // The first round takes what was not used since the last one, the second what is left.
    for (int round = 0; round < 2 && freed < bytes; round++) {
      for (auto& [end, slice] : slices_) {
        freed += EvictFrom(end, slice, freed < bytes ? bytes - freed : 0, spill);
        slice.map.Shrink();
      }
    }
    return freed;
  }

  void FinishSpill(bool ok) override {
    for (const auto& [slice, entry] : spilling_) {
      entry->Clear(Entry::kSpilling);
      if (!ok) continue;
      keeper_.Unchanged(slice->changed, entry);
      if (entry->Has(Entry::kInFlight)) std::erase(slice->in_flight, entry);
      slice->map.Erase(entry);
      slice->evicted.Add(entry->hash);
      keeper_.Free(entry);
      keeper_.tables().evicted++;
    }
    spilling_.clear();
  }

  void Recount() override {
    if (!keeper_.owns_heap() || touched_ < ChangedCount()) return;
    touched_ = 0;
    for (auto& [end, slice] : slices_) {
      for (Entry* entry : slice.changed.entries()) {
        keeper_.CountHeap(static_cast<SliceEntry*>(entry));
      }
    }
  }

  size_t IndexBytes() const override {
    size_t bytes = 0;
    for (const auto& [end, slice] : slices_) {
      bytes += sizeof(Slice) + slice.map.MemoryBytes() + slice.evicted.MemoryBytes();
    }
    return bytes;
  }

  size_t EntryCount() const override {
    size_t count = 0;
    for (const auto& [end, slice] : slices_) count += slice.map.size();
    return count;
  }
  size_t ChangedCount() const override {
    size_t count = 0;
    for (const auto& [end, slice] : slices_) count += slice.changed.size();
    return count;
  }

 private:
  struct Slice {
    HotMap<SliceEntry> map;
    ChangedList changed;
    std::vector<Entry*> in_flight;
    EvictedFilter evicted;  ///< Keys that may be in the stores only.
    size_t hand = 0;        ///< Where eviction goes on.
  };

  static std::string UpperOf(EventTime slice_end) {
    if (slice_end == EventTime::Max()) return std::string(9, '\xff');
    std::string upper;
    AppendOrdered(upper, slice_end.us + 1);
    return upper;
  }

  bool ReadBack(EventTime slice_end, std::string_view key, uint64_t hash, SliceEntry* entry) {
    TaskTables& tables = keeper_.tables();
    std::string rest;
    AppendSliceRest(rest, slice_end, key);
    tables.read_back++;
    Result<bool> found = tables.stores.Get(keeper_.table(), SlotOfHash(hash), rest, tables.scratch);
    if (found.ok() && (!*found || keeper_.Decode(tables.scratch, entry))) {
      if (*found) entry->Set(Entry::kStored);
      return true;
    }
    (void)tables.Fail(found.ok() ? keeper_.Damaged() : std::move(found).status());
    keeper_.Free(entry);
    return false;
  }

  void WriteEntry(int64_t end, const SliceEntry* entry, ChangeSet& changes) {
    keeper_.Write(entry, changes,
                  [&](std::string& out) { AppendSliceRest(out, {end}, keeper_.KeyOf(entry)); });
  }

  size_t EvictFrom(int64_t end, Slice& slice, size_t bytes, ChangeSet* spill) {
    size_t freed = 0;
    size_t looked_at = 0;
    while (freed < bytes && looked_at < slice.map.capacity()) {
      if (slice.hand >= slice.map.capacity()) slice.hand = 0;
      SliceEntry* entry = slice.map.At(slice.hand);
      const bool held = entry == nullptr || entry->Has(Entry::kSpilling) ||
                        (entry->Has(Entry::kInFlight) && !WEIR_MUTANT("eviction_during_snapshot"));
      if (held || entry->Has(Entry::kReferenced) || (entry->dirty() && spill == nullptr)) {
        if (entry != nullptr) entry->Clear(Entry::kReferenced);
        slice.hand++;
        looked_at++;
        continue;
      }
      const size_t size = keeper_.BytesOf(entry) + size_t{entry->heap_units} * 64;
      if (entry->dirty()) {
        WriteEntry(end, entry, *spill);
        entry->Set(Entry::kSpilling);
        spilling_.emplace_back(&slice, entry);
        freed += 2 * size;  // Itself, and the copy that a seal would make of it.
        slice.hand++;
        looked_at++;
        continue;
      }
      // Another entry may move into the slot, so the hand stays.
      slice.map.EraseAt(slice.hand);
      slice.evicted.Add(entry->hash);
      if (entry->Has(Entry::kInFlight)) std::erase(slice.in_flight, entry);
      keeper_.Free(entry);
      keeper_.tables().evicted++;
      freed += size;
      looked_at++;
    }
    return freed;
  }

  void FreeAll(Slice& slice) {
    for (size_t i = 0; i < slice.map.capacity(); i++) {
      slice.map.PrefetchAfter(i);
      SliceEntry* entry = slice.map.At(i);
      if (entry == nullptr) continue;
      if (entry->dirty()) keeper_.Taken(entry);
      keeper_.Free(entry);
    }
  }

  EntryKeeper<SliceEntry> keeper_;
  std::map<int64_t, Slice> slices_;  // By slice end; addresses are stable.
  Slice* last_ = nullptr;            // Rows come in runs of one slice.
  EventTime last_end_;
  EventTime dropped_up_to_ = EventTime::Min();
  std::vector<std::pair<Slice*, SliceEntry*>> spilling_;
  uint64_t touched_ = 0;  // Upserts since the heap was counted.
};

}  // namespace

Status DamagedRow(const std::string& table) {
  return Status(errors::kLocalStateDamaged,
                "the state of " + table + " holds an entry that cannot be read",
                "restart the job: it begins again from its checkpoint; look at the disk");
}

std::unique_ptr<HotTable> MakeHotSlices(TaskTables& tables, const Stores::Table& table,
                                        const RowLayout& layout, SliceTable** out) {
  auto made = std::make_unique<HotSlices>(tables, table, layout);
  *out = made.get();
  return made;
}

}  // namespace weir
