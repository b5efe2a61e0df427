#include "state/task_state.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/failpoint.h"
#include "state/checkpoint_store.h"
#include "state/hot_table.h"
#include "state/stores.h"

namespace weir {
namespace {

constexpr size_t kOwnCacheBytes = 8 << 20;
constexpr size_t kSpillBytes = 16 << 20;  // Of entries at once: bounds what a spill copies.

class CountsBySlot final : public SlotCounter {
 public:
  void Add(KeySlot slot, int64_t n) override {
    values_[slot] += n;
    sum_ += n;
  }
  int64_t Sum() const override { return sum_; }
  proto::SlotCounts ToProto() const {
    proto::SlotCounts counts;
    for (uint32_t slot = 0; slot < kKeySlots; slot++) {
      if (values_[slot] == 0) continue;
      counts.add_slots(slot);
      counts.add_values(values_[slot]);
    }
    return counts;
  }

 private:
  std::array<int64_t, kKeySlots> values_{};
  int64_t sum_ = 0;
};

}  // namespace

struct SealedState::Impl {
  ChangeSet changes;
  Stores::Marks marks;
  std::map<std::string, proto::SlotCounts> counters;
  std::map<std::string, SlotTimes> closed_up_to;
};

SealedState::SealedState() = default;
SealedState::SealedState(SealedState&&) noexcept = default;
SealedState& SealedState::operator=(SealedState&&) noexcept = default;
SealedState::~SealedState() = default;
size_t SealedState::entries() const { return impl_ ? impl_->changes.records.size() : 0; }

struct TaskState::Impl {
  Impl(TaskStateOptions options_in, std::unique_ptr<Stores> stores_in)
      : options(std::move(options_in)),
        stores(std::move(stores_in)),
        tables(*stores, options.range) {}

  TaskStateOptions options;
  std::unique_ptr<Stores> stores;
  TaskTables tables;
  struct Opened {
    std::string name;
    std::unique_ptr<HotTable> hot;
    SliceTable* slices = nullptr;
    KeyTable* keys = nullptr;
    TimerTable* timers = nullptr;
  };
  std::vector<Opened> opened;
  std::map<std::string, CountsBySlot> counters;
  std::map<std::string, SlotTimes> closed_up_to;
  bool in_flight = false;
  size_t in_flight_bytes = 0;
  Stores::Written written;
  bool was_written = false;

  /// The table's stored side. One that cannot be had is given another name, and the task's status
  /// says why; the task must not go on.
  const Stores::Table& Stored(std::string name, TableKind kind) {
    while (true) {
      Result<const Stores::Table*> table = stores->OpenTable(name, kind);
      if (table.ok()) return **table;
      (void)tables.Fail(std::move(table).status());
      name += "'";
    }
  }

  Opened* Find(const std::string& name) {
    for (Opened& at : opened) {
      if (at.name == name) return &at;
    }
    return nullptr;
  }

  size_t MemoryBytes() const {
    size_t bytes = tables.arena.live_bytes() + tables.heap_bytes + in_flight_bytes;
    for (const Opened& at : opened) bytes += at.hot->IndexBytes();
    return bytes;
  }
  /// What it would come to if a barrier came now: changed entries are copied.
  size_t Pressure() const { return MemoryBytes() + tables.changed_bytes; }

  Stores::Marks MarksNow() const {
    Stores::Marks marks;
    for (const Opened& at : opened) marks.tables[at.name] = at.hot->Mark();
    return marks;
  }

  /// Evicts up to `bytes`, shared out by size; with `spill` changed entries too. What was freed.
  Result<size_t> Evict(size_t bytes, bool spill) {
    size_t total = 0;
    for (const Opened& at : opened) total += at.hot->EntryCount();
    if (total == 0) return size_t{0};
    ChangeSet changes;
    size_t freed = 0;
    for (Opened& at : opened) {
      const double share = static_cast<double>(at.hot->EntryCount()) / static_cast<double>(total);
      const auto wanted = static_cast<size_t>(share * static_cast<double>(bytes)) + 1;
      freed += at.hot->Evict(wanted, spill ? &changes : nullptr);
    }
    Status stored = changes.records.empty() ? Status::Ok() : stores->Ingest(changes);
    for (Opened& at : opened) at.hot->FinishSpill(stored.ok());
    if (!stored.ok()) return stored;
    return freed;
  }
};

bool RestrictTo(proto::TaskCheckpoint& task,
                const std::function<bool(const std::string& step)>& keeps) {
  // "step/table" and "step/counter"; neither a table nor a counter has a '/' in its own name.
  const auto is_kept = [&](const std::string& name) {
    return keeps(name.substr(0, name.rfind('/')));
  };
  bool left = false;
  for (proto::StoredStore& store : *task.mutable_stores()) {
    std::vector<std::string> dropped;
    for (const auto& [name, id] : store.tables()) {
      if (is_kept(name)) continue;
      dropped.push_back(name);
      store.add_dropped_tables(id);
    }
    for (const std::string& name : dropped) {
      store.mutable_tables()->erase(name);
      store.mutable_shapes()->erase(name);
      store.mutable_marks()->erase(name);
    }
    left |= !store.tables().empty();
  }
  for (auto at = task.mutable_counters()->begin(); at != task.mutable_counters()->end();) {
    at = is_kept(at->first) ? std::next(at) : task.mutable_counters()->erase(at);
  }
  auto& steps = *task.mutable_steps();
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [&](const proto::StepState& step) { return !keeps(step.step()); }),
              steps.end());
  return left || !task.counters().empty() || !steps.empty();
}

RestoredState RestoredFor(const std::vector<const proto::TaskCheckpoint*>& tasks, SlotRange range) {
  RestoredState restored;
  for (const proto::TaskCheckpoint* task : tasks) {
    for (const proto::StoredStore& stored : task->stores()) {
      const uint32_t begin = std::max(stored.slot_begin(), range.begin);
      const uint32_t end = std::min(stored.slot_end(), range.end);
      if (begin >= end) continue;
      proto::StoredStore cut = stored;
      if (!WEIR_MUTANT("rescale_keeps_all_slots")) {
        cut.set_slot_begin(begin);
        cut.set_slot_end(end);
      }
      restored.stores.push_back(std::move(cut));
    }
    for (const auto& [name, counts] : task->counters()) {
      proto::SlotCounts& mine = restored.counters[name];
      for (int i = 0; i < std::min(counts.slots_size(), counts.values_size()); i++) {
        if (counts.slots(i) >= kKeySlots ||
            !range.Contains(static_cast<KeySlot>(counts.slots(i)))) {
          continue;
        }
        mine.add_slots(counts.slots(i));
        mine.add_values(counts.values(i));
      }
    }
    // The task's own store comes first, and has all of its slots.
    const SlotRange owned = task->stores_size() == 0 ? SlotRange{}
                                                     : SlotRange{task->stores(0).slot_begin(),
                                                                 task->stores(0).slot_end()};
    for (const proto::StepState& step : task->steps()) {
      const SlotRange told =
          step.slot_end() == 0 ? owned : SlotRange{step.slot_begin(), step.slot_end()};
      const SlotRange cut{std::max(told.begin, range.begin), std::min(told.end, range.end)};
      if (cut.begin >= cut.end) continue;
      restored.closed_up_to[step.step()].push_back({cut, EventTime{step.closed_up_to_us()}});
    }
  }
  return restored;
}

Result<std::unique_ptr<TaskState>> TaskState::Open(TaskStateOptions options,
                                                   RestoredState restored) {
  WEIR_CHECK(options.store != nullptr);
  if (!options.cache) options.cache = std::make_shared<BlockCache>(kOwnCacheBytes);
  Stores::Options stores;
  stores.directory = options.directory;
  stores.range = options.range;
  stores.cache = options.cache;
  stores.store = options.store;
  stores.full_check_bytes = options.full_check_bytes;
  stores.merge_bytes = options.merge_bytes;
  std::unique_ptr<Stores> opened = WEIR_TRY(Stores::Open(std::move(stores), restored.stores));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(opened));
  for (const auto& [name, counts] : restored.counters) {
    CountsBySlot& counter = impl->counters[name];
    for (int i = 0; i < counts.slots_size(); i++) {
      counter.Add(static_cast<KeySlot>(counts.slots(i)), counts.values(i));
    }
  }
  for (auto& [step, parts] : restored.closed_up_to) {
    impl->closed_up_to.emplace(step, std::move(parts));
  }
  return std::unique_ptr<TaskState>(new TaskState(std::move(impl)));
}

TaskState::TaskState(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TaskState::~TaskState() = default;

SliceTable& TaskState::OpenSlices(const std::string& step, const std::string& table,
                                  const RowLayout& layout) {
  const std::string name = step + "/" + table;
  if (Impl::Opened* known = impl_->Find(name)) {
    WEIR_CHECK(known->slices != nullptr, "a table opened as two kinds");
    return *known->slices;
  }
  const Stores::Table& stored = impl_->Stored(name, TableKind::kSlices);
  Impl::Opened opened;
  opened.name = stored.name;
  opened.hot = MakeHotSlices(impl_->tables, stored, layout, &opened.slices);
  impl_->opened.push_back(std::move(opened));
  return *impl_->opened.back().slices;
}

KeyTable& TaskState::OpenKeys(const std::string& step, const std::string& table,
                              const RowLayout& layout) {
  const std::string name = step + "/" + table;
  if (Impl::Opened* known = impl_->Find(name)) {
    WEIR_CHECK(known->keys != nullptr, "a table opened as two kinds");
    return *known->keys;
  }
  const Stores::Table& stored = impl_->Stored(name, TableKind::kKeys);
  Impl::Opened opened;
  opened.name = stored.name;
  opened.hot = MakeHotKeys(impl_->tables, stored, layout, &opened.keys);
  impl_->opened.push_back(std::move(opened));
  return *impl_->opened.back().keys;
}

TimerTable& TaskState::OpenTimers(const std::string& step, const std::string& table) {
  const std::string name = step + "/" + table;
  if (Impl::Opened* known = impl_->Find(name)) {
    WEIR_CHECK(known->timers != nullptr, "a table opened as two kinds");
    return *known->timers;
  }
  const Stores::Table& stored = impl_->Stored(name, TableKind::kTimers);
  Impl::Opened opened;
  opened.name = stored.name;
  opened.hot = MakeHotTimers(impl_->tables, stored, &opened.timers);
  impl_->opened.push_back(std::move(opened));
  return *impl_->opened.back().timers;
}

SlotCounter& TaskState::OpenCounter(const std::string& step, const std::string& name) {
  return impl_->counters[step + "/" + name];
}

SlotTimes& TaskState::ClosedUpTo(const std::string& step) {
  return impl_->closed_up_to.try_emplace(step, range()).first->second;
}

SlotRange TaskState::range() const { return impl_->options.range; }

SealedState TaskState::Seal() {
  WEIR_CHECK(!impl_->in_flight, "a seal while the last one is under way");
  SealedState sealed;
  sealed.impl_ = std::make_unique<SealedState::Impl>();
  ChangeSet& changes = sealed.impl_->changes;
  changes.bytes.reserve(impl_->tables.changed_bytes);
  size_t changed_entries = 0;
  for (const Impl::Opened& at : impl_->opened) changed_entries += at.hot->ChangedCount();
  changes.records.reserve(changed_entries);
  for (Impl::Opened& at : impl_->opened) at.hot->Seal(changes);
  sealed.impl_->marks = impl_->MarksNow();
  // What this checkpoint says is dropped may go from now on, and nothing else.
  impl_->stores->AdvanceMarks(sealed.impl_->marks);
  for (const auto& [name, counter] : impl_->counters) {
    sealed.impl_->counters[name] = counter.ToProto();
  }
  sealed.impl_->closed_up_to = impl_->closed_up_to;
  impl_->in_flight = true;
  impl_->in_flight_bytes =
      changes.bytes.capacity() + changes.records.capacity() * sizeof(ChangeSet::Record);
  return sealed;
}

Result<TaskSnapshot> TaskState::Write(SealedState sealed) {
  WEIR_CHECK(sealed.impl_ != nullptr);
  SealedState::Impl& content = *sealed.impl_;
  TaskSnapshot snapshot;
  snapshot.changed_bytes = content.changes.bytes.size();
  snapshot.changed_entries = content.changes.records.size();
  WEIR_TRY(impl_->stores->Ingest(content.changes));
  content.changes = ChangeSet();
  impl_->written = WEIR_TRY(impl_->stores->Write(content.marks));
  impl_->was_written = true;
  for (const proto::StoredStore& stored : impl_->written.stores) {
    *snapshot.checkpoint.add_stores() = stored;
  }
  for (auto& [name, counts] : content.counters) {
    (*snapshot.checkpoint.mutable_counters())[name] = std::move(counts);
  }
  for (const auto& [step, closed] : content.closed_up_to) {
    for (const SlotTimes::Part& part : closed.parts()) {
      proto::StepState* state = snapshot.checkpoint.add_steps();
      state->set_step(step);
      state->set_closed_up_to_us(part.time.us);
      if (closed.even()) continue;
      state->set_slot_begin(part.slots.begin);
      state->set_slot_end(part.slots.end);
    }
  }
  snapshot.uploaded = impl_->written.uploaded;
  snapshot.uploaded_bytes = impl_->written.uploaded_bytes;
  return snapshot;
}

void TaskState::Completed(bool ok) {
  WEIR_CHECK(impl_->in_flight, "no seal to complete");
  WEIR_CHECK(!ok || impl_->was_written, "a checkpoint completed that was never written");
  if (ok) impl_->stores->Completed(impl_->written);
  for (Impl::Opened& at : impl_->opened) at.hot->Completed(ok);
  impl_->in_flight = false;
  impl_->in_flight_bytes = 0;
  impl_->was_written = false;
  impl_->written = Stores::Written();
}

Status TaskState::Relieve() {
  for (Impl::Opened& at : impl_->opened) at.hot->Recount();
  const size_t budget = impl_->options.memory_budget;
  // Nothing but an ingest may write to the store while a checkpoint of it is being made (rule 8).
  const bool spill = !impl_->in_flight || WEIR_MUTANT("eviction_during_snapshot");
  if (impl_->Pressure() <= budget) return Status::Ok();
  const size_t target = budget - budget / 8;
  while (impl_->Pressure() > target) {
    const size_t wanted = std::min(impl_->Pressure() - target, kSpillBytes);
    Result<size_t> freed = impl_->Evict(wanted, spill);
    if (!freed.ok()) return impl_->tables.Fail(std::move(freed).status());
    if (*freed == 0) break;
  }
  return Status::Ok();
}

bool TaskState::MustWait() const {
  const size_t budget = impl_->options.memory_budget;
  return impl_->in_flight && impl_->MemoryBytes() > budget + budget / 4;
}

const Status& TaskState::status() const { return impl_->tables.status; }

TaskStateStats TaskState::stats() const {
  TaskStateStats stats;
  stats.memory_bytes = impl_->MemoryBytes();
  stats.entries_in_memory = impl_->tables.entries;
  stats.evicted = impl_->tables.evicted;
  stats.read_back = impl_->tables.read_back;
  const RocksStore& own = impl_->stores->own();
  stats.level0_files = own.Level0Files();
  stats.stored_bytes = own.FileBytes();
  stats.rewritten_bytes = own.RewrittenBytes();
  stats.stores = impl_->stores->count();
  return stats;
}

}  // namespace weir
