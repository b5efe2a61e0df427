#include <algorithm>
#include <limits>
#include <optional>

#include "base/failpoint.h"
#include "batch/key.h"
#include "state/hot_table.h"

namespace weir {
namespace {

struct TimerEntry : Entry {
  int64_t time;
  uint64_t place_hash() const {
    const uint64_t mixed =
        (hash ^ static_cast<uint64_t>(time) * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    return mixed ^ mixed >> 32;
  }
};

constexpr int64_t kFirstStep_us = 1'000'000;
constexpr int64_t kLeastStep_us = 1'000;
constexpr int64_t kMostStep_us = int64_t{1} << 50;
constexpr size_t kFewTimers = 10'000;
constexpr size_t kManyTimers = 100'000;

/// Timers in memory: a hash table to know them by, and a heap to take them in order. Timers before
/// the horizon are all in memory; later ones may be in the stores only.
class HotTimers final : public TimerTable, public HotTable {
 public:
  HotTimers(TaskTables& tables, const Stores::Table& table) : keeper_(tables, table, nullptr) {
    stored_beyond_ = tables.stores.RestoredMark(table.name) != nullptr;
    if (stored_beyond_) horizon_ = std::numeric_limits<int64_t>::min();
  }
  ~HotTimers() override {
    for (size_t i = 0; i < map_.capacity(); i++) {
      if (map_.At(i) != nullptr) keeper_.Free(map_.At(i));
    }
  }

  Status Set(EventTime time, std::string_view key, uint64_t hash) override {
    TimerEntry* entry = Find(time.us, key, hash);
    if (entry != nullptr && !entry->Has(Entry::kErased)) return Status::Ok();
    if (entry == nullptr) {
      entry = keeper_.Make(key, hash);
      entry->time = time.us;
      map_.Insert(entry);
    }
    entry->Clear(Entry::kErased);
    keeper_.Changed(changed_, entry);
    Push(entry);
    return Status::Ok();
  }

  Status TakeDue(EventTime up_to,
                 const std::function<Status(EventTime, std::string_view)>& fire) override {
    std::string key;
    while (true) {
      const bool all_known = !stored_beyond_ || up_to.us < horizon_;
      while (!heap_.empty() && heap_.front().time <= up_to.us &&
             (all_known || heap_.front().time < horizon_)) {
        TimerEntry* entry = Pop();
        if (!heap_.empty()) __builtin_prefetch(heap_.front().entry);
        key = keeper_.KeyOf(entry);
        const EventTime time{entry->time};
        Spend(entry);
        WEIR_TRY(fire(time, key));
      }
      // Firing may have set timers, but nothing else moves the horizon.
      if (all_known) return Status::Ok();
      if (Status read = ReadOn(up_to.us); !read.ok()) return keeper_.tables().Fail(std::move(read));
    }
  }

  void Seal(ChangeSet& changes) override {
    in_flight_ = changed_.Take();
    ForEachEntry<TimerEntry>(in_flight_, [&](TimerEntry* entry) {
      WriteEntry(entry, changes);
      keeper_.Taken(entry);
      entry->Set(Entry::kStored);
      entry->Set(Entry::kInFlight);
    });
  }

  void Completed(bool ok) override {
    for (Entry* flown : std::exchange(in_flight_, {})) {
      auto* entry = static_cast<TimerEntry*>(flown);
      entry->Clear(Entry::kInFlight);
      if (!ok) {
        keeper_.Changed(changed_, entry);
      } else if (entry->Has(Entry::kErased) && !entry->dirty()) {
        map_.Erase(entry);
        keeper_.Free(entry);
      }
    }
  }

  proto::TableMark Mark() const override { return proto::TableMark(); }

  /// Gives up the timers that are due last.
  size_t Evict(size_t bytes, ChangeSet* spill) override {
    size_t held = 0;
    for (const Due& due : heap_) held += keeper_.BytesOf(due.entry);
    if (heap_.size() < 2 || held == 0) return 0;
    const double share = std::min(0.9, static_cast<double>(bytes) / static_cast<double>(held));
    auto keep = static_cast<size_t>(static_cast<double>(heap_.size()) * (1 - share));
    if (keep >= heap_.size()) return 0;
    std::nth_element(heap_.begin(), heap_.begin() + static_cast<ptrdiff_t>(keep), heap_.end(),
                     [](const Due& a, const Due& b) { return a.time < b.time; });
    const int64_t from = heap_[keep].time;
    size_t freed = 0;
    std::erase_if(heap_, [&](const Due& due) {
      TimerEntry* const entry = due.entry;
      if (due.time < from ||
          (entry->Has(Entry::kInFlight) && !WEIR_MUTANT("eviction_during_snapshot"))) {
        return false;
      }
      if (entry->dirty()) {
        if (spill == nullptr) return false;
        WriteEntry(entry, *spill);
        spilling_.push_back(entry);
        freed += 2 * keeper_.BytesOf(entry);
        return true;
      }
      if (entry->Has(Entry::kInFlight)) std::erase(in_flight_, entry);
      freed += keeper_.BytesOf(entry);
      map_.Erase(entry);
      keeper_.Free(entry);
      keeper_.tables().evicted++;
      return true;
    });
    std::make_heap(heap_.begin(), heap_.end(), Later{this});
    heap_.shrink_to_fit();
    if (freed > 0) {
      horizon_ = stored_beyond_ ? std::min(horizon_, from) : from;
      stored_beyond_ = true;
    }
    map_.Shrink();
    return freed;
  }

  void FinishSpill(bool ok) override {
    for (TimerEntry* entry : spilling_) {
      if (!ok) {
        Push(entry);
        continue;
      }
      keeper_.Unchanged(changed_, entry);
      if (entry->Has(Entry::kInFlight)) std::erase(in_flight_, entry);
      map_.Erase(entry);
      keeper_.Free(entry);
      keeper_.tables().evicted++;
    }
    spilling_.clear();
  }

  size_t IndexBytes() const override { return map_.MemoryBytes() + heap_.capacity() * sizeof(Due); }
  size_t EntryCount() const override { return map_.size(); }
  size_t ChangedCount() const override { return changed_.size(); }

 private:
  /// A timer in the heap, with its time beside it: the heap is ordered without a look at entries
  /// that lie all over the memory.
  struct Due {
    int64_t time;
    TimerEntry* entry;
  };
  /// Orders the heap: the earliest first, of equal times the smallest key.
  struct Later {
    const HotTimers* table;
    bool operator()(const Due& a, const Due& b) const {
      if (a.time != b.time) return a.time > b.time;
      return table->keeper_.KeyOf(a.entry) > table->keeper_.KeyOf(b.entry);
    }
  };

  void Push(TimerEntry* entry) {
    heap_.push_back({entry->time, entry});
    std::push_heap(heap_.begin(), heap_.end(), Later{this});
  }
  TimerEntry* Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), Later{this});
    TimerEntry* entry = heap_.back().entry;
    heap_.pop_back();
    return entry;
  }

  TimerEntry* Find(int64_t time, std::string_view key, uint64_t hash) const {
    TimerEntry probe{};
    probe.hash = hash;
    probe.time = time;
    return map_.Find(probe.place_hash(), [&](const TimerEntry& at) {
      return at.time == time && keeper_.KeyOf(&at) == key;
    });
  }

  /// A timer that is not to fire any more, and not in the heap.
  void Spend(TimerEntry* entry) {
    if (entry->Has(Entry::kStored)) {
      entry->Set(Entry::kErased);
      keeper_.Changed(changed_, entry);
      return;
    }
    keeper_.Unchanged(changed_, entry);
    map_.Erase(entry);
    keeper_.Free(entry);
  }

  void WriteEntry(const TimerEntry* entry, ChangeSet& changes) {
    keeper_.Write(entry, changes, [&](std::string& out) {
      AppendTimerRest(out, {entry->time}, keeper_.KeyOf(entry));
    });
  }

  /// Moves the horizon on: past `up_to`, or past some timers from the stores.
  Status ReadOn(int64_t up_to) {
    TaskTables& tables = keeper_.tables();
    tables.read_back++;
    std::string lower;
    AppendOrdered(lower, horizon_);
    std::optional<int64_t> first;
    WEIR_TRY(
        tables.stores.ScanFirst(keeper_.table(), lower, std::string(9, '\xff'),
                                [&](KeySlot, std::string_view rest, std::string_view) -> Status {
                                  EventTime time;
                                  std::string_view key;
                                  if (!SplitRest(TableKind::kTimers, rest, time, key))
                                    return keeper_.Damaged();
                                  if (!first || time.us < *first) first = time.us;
                                  return Status::Ok();
                                }));
    if (!first) {
      stored_beyond_ = false;
      return Status::Ok();
    }
    horizon_ = *first;
    if (*first > up_to) return Status::Ok();
    int64_t next = 0;
    const bool open_end = __builtin_add_overflow(*first, step_us_, &next);
    lower.clear();
    AppendOrdered(lower, *first);
    std::string upper;
    if (open_end) {
      upper = std::string(9, '\xff');
    } else {
      AppendOrdered(upper, next);
    }
    size_t count = 0;
    WEIR_TRY(tables.stores.Scan(keeper_.table(), lower, upper,
                                [&](KeySlot, std::string_view rest, std::string_view) -> Status {
                                  EventTime time;
                                  std::string_view key;
                                  if (!SplitRest(TableKind::kTimers, rest, time, key))
                                    return keeper_.Damaged();
                                  count++;
                                  const uint64_t hash = HashBytes(key);
                                  TimerEntry* entry = Find(time.us, key, hash);
                                  if (entry == nullptr) {
                                    entry = keeper_.Make(key, hash);
                                    entry->time = time.us;
                                    map_.Insert(entry);
                                    Push(entry);
                                  }
                                  // Also one that was set anew: firing it must erase what is
                                  // stored.
                                  entry->Set(Entry::kStored);
                                  return Status::Ok();
                                }));
    if (open_end) {
      stored_beyond_ = false;
    } else {
      horizon_ = next;
    }
    // Each reading costs a look into every slot: it should bring many timers, but not too many.
    if (count < kFewTimers) step_us_ = std::min(step_us_ * 2, kMostStep_us);
    if (count > kManyTimers) step_us_ = std::max(step_us_ / 2, kLeastStep_us);
    return Status::Ok();
  }

  EntryKeeper<TimerEntry> keeper_;
  HotMap<TimerEntry> map_;
  std::vector<Due> heap_;
  ChangedList changed_;
  std::vector<Entry*> in_flight_;
  std::vector<TimerEntry*> spilling_;
  bool stored_beyond_ = false;  // Timers at or after the horizon may be in the stores only.
  int64_t horizon_ = std::numeric_limits<int64_t>::max();
  int64_t step_us_ = kFirstStep_us;
};

}  // namespace

std::unique_ptr<HotTable> MakeHotTimers(TaskTables& tables, const Stores::Table& table,
                                        TimerTable** out) {
  auto made = std::make_unique<HotTimers>(tables, table);
  *out = made.get();
  return made;
}

}  // namespace weir
