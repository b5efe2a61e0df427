#include <algorithm>

#include "base/failpoint.h"
#include "batch/key.h"
#include "state/evicted_filter.h"
#include "state/hot_table.h"

namespace weir {
namespace {

/// Entries of one key are a chain in order of time; the table points to its head.
struct ChainEntry : Entry {
  int64_t time;
  ChainEntry* next;
  uint64_t place_hash() const { return hash; }
};

/// Keys in memory. A chain that is in memory has every entry of its key, erased ones included
/// whose end the stores do not know yet; keys are read back and evicted whole.
class HotKeys final : public KeyTable, public HotTable {
 public:
  HotKeys(TaskTables& tables, const Stores::Table& table, const RowLayout& layout)
      : keeper_(tables, table, &layout) {
    if (tables.stores.RestoredMark(table.name) != nullptr) evicted_.AddEverything();
  }
  ~HotKeys() override {
    for (size_t i = 0; i < map_.capacity(); i++) {
      for (ChainEntry* at = map_.At(i); at != nullptr;) {
        ChainEntry* next = at->next;
        keeper_.Free(at);
        at = next;
      }
    }
  }

  std::byte* Upsert(std::string_view key, uint64_t hash, EventTime time) override {
    ChainEntry* head = nullptr;
    if (!Chain(key, hash, head).ok()) return nullptr;
    ChainEntry* previous = nullptr;
    ChainEntry* at = head;
    while (at != nullptr && at->time < time.us) {
      previous = at;
      at = at->next;
    }
    if (at == nullptr || at->time != time.us) {
      ChainEntry* made = keeper_.Make(key, hash);
      made->time = time.us;
      made->next = at;
      if (previous != nullptr) {
        previous->next = made;
      } else if (head != nullptr) {
        map_.Replace(head, made);
      } else {
        map_.Insert(made);
      }
      at = made;
    } else if (at->Has(Entry::kErased)) {
      at->Clear(Entry::kErased);
      keeper_.layout()->Init(keeper_.RowOf(at));
    }
    at->Set(Entry::kReferenced);
    keeper_.Changed(changed_, at);
    touched_++;
    return keeper_.RowOf(at);
  }

  void Prefetch(std::span<const uint64_t> hashes) override { map_.Prefetch(hashes); }

  Status FindBetween(std::string_view key, uint64_t hash, EventTime from, EventTime to,
                     std::vector<Found>& out) override {
    ChainEntry* at = nullptr;
    WEIR_TRY(Chain(key, hash, at));
    if (at != nullptr) at->Set(Entry::kReferenced);
    for (; at != nullptr && at->time <= to.us; at = at->next) {
      if (at->time < from.us || at->Has(Entry::kErased)) continue;
      out.push_back({{at->time}, keeper_.RowOf(at)});
    }
    return Status::Ok();
  }

  void Touch(const Found& found) override {
    keeper_.Changed(changed_, keeper_.EntryOf(found.row));
    touched_++;
  }

  Status Erase(std::string_view key, uint64_t hash, EventTime time) override {
    ChainEntry* head = nullptr;
    WEIR_TRY(Chain(key, hash, head));
    ChainEntry* previous = nullptr;
    ChainEntry* at = head;
    while (at != nullptr && at->time < time.us) {
      previous = at;
      at = at->next;
    }
    if (at == nullptr || at->time != time.us || at->Has(Entry::kErased)) return Status::Ok();
    if (at->Has(Entry::kStored)) {
      keeper_.DestroyRow(at);
      at->Set(Entry::kErased);
      keeper_.Changed(changed_, at);
      return Status::Ok();
    }
    keeper_.Unchanged(changed_, at);
    Unlink(head, previous, at);
    return Status::Ok();
  }

  Status Scan(const EntryVisitor& visit) override {
    for (size_t i = 0; i < map_.capacity(); i++) {
      for (ChainEntry* at = map_.At(i); at != nullptr; at = at->next) {
        if (at->Has(Entry::kErased)) continue;
        WEIR_TRY(visit({at->time}, keeper_.KeyOf(at), keeper_.RowOf(at)));
      }
    }
    if (evicted_.empty()) return Status::Ok();
    TaskTables& tables = keeper_.tables();
    return tables.stores.Scan(
        keeper_.table(), {}, std::string(16, '\xff'),
        [&](KeySlot, std::string_view rest, std::string_view stored) -> Status {
          EventTime time;
          std::string_view key;
          if (!SplitRest(TableKind::kKeys, rest, time, key)) return tables.Fail(keeper_.Damaged());
          if (InMemory(key, HashBytes(key)) != nullptr) return Status::Ok();
          LooseRow row(*keeper_.layout());
          if (!keeper_.layout()->Decode(stored, row.row())) return tables.Fail(keeper_.Damaged());
          return visit(time, key, row.row());
        });
  }

  void Seal(ChangeSet& changes) override {
    Recount();
    in_flight_ = changed_.Take();
    ForEachEntry<ChainEntry>(in_flight_, [&](ChainEntry* entry) {
      WriteEntry(entry, changes);
      keeper_.Taken(entry);
      entry->Set(Entry::kStored);
      entry->Set(Entry::kInFlight);
    });
  }

  void Completed(bool ok) override {
    for (Entry* flown : std::exchange(in_flight_, {})) {
      auto* entry = static_cast<ChainEntry*>(flown);
      entry->Clear(Entry::kInFlight);
      if (!ok) {
        keeper_.Changed(changed_, entry);
      } else if (entry->Has(Entry::kErased) && !entry->dirty()) {
        // The stores know now that it is gone.
        ChainEntry* head = InMemory(keeper_.KeyOf(entry), entry->hash);
        ChainEntry* previous = nullptr;
        for (ChainEntry* at = head; at != entry; at = at->next) previous = at;
        Unlink(head, previous, entry);
      }
    }
  }

  proto::TableMark Mark() const override { return proto::TableMark(); }

  size_t Evict(size_t bytes, ChangeSet* spill) override {
    size_t freed = 0;
    size_t looked_at = 0;
    while (freed < bytes && looked_at < 2 * map_.capacity()) {
      if (hand_ >= map_.capacity()) hand_ = 0;
      ChainEntry* head = map_.At(hand_);
      if (head == nullptr || !MayGo(head, spill != nullptr)) {
        hand_++;
        looked_at++;
        continue;
      }
      bool any_changed = false;
      size_t size = 0;
      for (ChainEntry* at = head; at != nullptr; at = at->next) {
        any_changed |= at->dirty();
        size += keeper_.BytesOf(at) + size_t{at->heap_units} * 64;
      }
      looked_at++;
      if (any_changed) {
        for (ChainEntry* at = head; at != nullptr; at = at->next) {
          if (at->dirty()) WriteEntry(at, *spill);
        }
        head->Set(Entry::kSpilling);
        spilling_.push_back(head);
        freed += 2 * size;
        hand_++;
        continue;
      }
      map_.EraseAt(hand_);
      FreeChain(head);
      freed += size;
    }
    map_.Shrink();
    return freed;
  }

  void FinishSpill(bool ok) override {
    for (ChainEntry* head : spilling_) {
      head->Clear(Entry::kSpilling);
      if (!ok) continue;
      map_.Erase(head);
      FreeChain(head);
    }
    spilling_.clear();
  }

  void Recount() override {
    if (!keeper_.owns_heap() || touched_ < changed_.size()) return;
    touched_ = 0;
    for (Entry* entry : changed_.entries()) keeper_.CountHeap(static_cast<ChainEntry*>(entry));
  }

  size_t IndexBytes() const override { return map_.MemoryBytes() + evicted_.MemoryBytes(); }
  size_t EntryCount() const override { return map_.size(); }
  size_t ChangedCount() const override { return changed_.size(); }

 private:
  ChainEntry* InMemory(std::string_view key, uint64_t hash) const {
    return map_.Find(hash, [&](const ChainEntry& at) { return keeper_.KeyOf(&at) == key; });
  }

  /// The key's chain, read back where it is not in memory; null where the key has no entries.
  Status Chain(std::string_view key, uint64_t hash, ChainEntry*& head) {
    head = InMemory(key, hash);
    if (head != nullptr || !evicted_.MayHold(hash)) return Status::Ok();
    TaskTables& tables = keeper_.tables();
    tables.read_back++;
    std::string prefix;
    AppendKeyPrefix(prefix, key);
    std::vector<ChainEntry*> read;
    Status status = tables.stores.ScanKey(
        keeper_.table(), SlotOfHash(hash), prefix,
        [&](KeySlot, std::string_view rest, std::string_view stored) -> Status {
          EventTime time;
          std::string_view same_key;
          if (!SplitRest(TableKind::kKeys, rest, time, same_key)) return keeper_.Damaged();
          ChainEntry* entry = keeper_.Make(key, hash);
          entry->time = time.us;
          entry->Set(Entry::kStored);
          read.push_back(entry);
          return keeper_.Decode(stored, entry) ? Status::Ok() : keeper_.Damaged();
        });
    if (!status.ok()) {
      for (ChainEntry* entry : read) keeper_.Free(entry);
      return tables.Fail(std::move(status));
    }
    // Each store gives its part in order; several stores may share a key.
    std::sort(read.begin(), read.end(),
              [](const ChainEntry* a, const ChainEntry* b) { return a->time < b->time; });
    for (size_t i = read.size(); i-- > 0;) {
      read[i]->next = head;
      head = read[i];
    }
    if (head != nullptr) map_.Insert(head);
    return Status::Ok();
  }

  void Unlink(ChainEntry* head, ChainEntry* previous, ChainEntry* entry) {
    if (previous != nullptr) {
      previous->next = entry->next;
    } else if (entry->next != nullptr) {
      map_.Replace(head, entry->next);
    } else {
      map_.Erase(entry);
    }
    keeper_.Free(entry);
  }

  void FreeChain(ChainEntry* head) {
    evicted_.Add(head->hash);
    for (ChainEntry* at = head; at != nullptr;) {
      ChainEntry* next = at->next;
      if (at->Has(Entry::kInFlight)) std::erase(in_flight_, at);
      keeper_.Unchanged(changed_, at);
      keeper_.Free(at);
      keeper_.tables().evicted++;
      at = next;
    }
  }

  /// Whether eviction may take the chain now; takes its second chance away where it had one.
  bool MayGo(ChainEntry* head, bool spill) {
    bool may = true;
    for (ChainEntry* at = head; at != nullptr; at = at->next) {
      if (at->Has(Entry::kInFlight) && !WEIR_MUTANT("eviction_during_snapshot")) may = false;
      if (at->Has(Entry::kReferenced) || at->Has(Entry::kSpilling)) may = false;
      if (at->dirty() && !spill) may = false;
      at->Clear(Entry::kReferenced);
    }
    return may;
  }

  void WriteEntry(const ChainEntry* entry, ChangeSet& changes) {
    keeper_.Write(entry, changes, [&](std::string& out) {
      AppendKeyRest(out, keeper_.KeyOf(entry), {entry->time});
    });
  }

  EntryKeeper<ChainEntry> keeper_;
  HotMap<ChainEntry> map_;
  ChangedList changed_;
  std::vector<Entry*> in_flight_;
  EvictedFilter evicted_;  // Keys that may be in the stores only.
  size_t hand_ = 0;
  std::vector<ChainEntry*> spilling_;
  uint64_t touched_ = 0;
};

}  // namespace

std::unique_ptr<HotTable> MakeHotKeys(TaskTables& tables, const Stores::Table& table,
                                      const RowLayout& layout, KeyTable** out) {
  auto made = std::make_unique<HotKeys>(tables, table, layout);
  *out = made.get();
  return made;
}

}  // namespace weir
