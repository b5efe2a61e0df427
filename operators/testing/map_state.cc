#include "operators/testing/map_state.h"

#include <set>

#include "batch/key.h"

namespace weir::testing {
namespace {

/// One row, made and destroyed by its layout.
class Row {
 public:
  explicit Row(const RowLayout& layout)
      : layout_(layout), memory_(std::make_unique<int64_t[]>((layout.size() + 7) / 8)) {
    layout_.Init(bytes());
  }
  ~Row() { layout_.Destroy(bytes()); }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  std::byte* bytes() const { return reinterpret_cast<std::byte*>(memory_.get()); }

 private:
  const RowLayout& layout_;
  std::unique_ptr<int64_t[]> memory_;
};

void Store(const RowLayout& layout, EventTime time, const std::string& key, const Row& row,
           std::vector<MapSnapshot::Entry>& entries) {
  std::string value;
  layout.Encode(row.bytes(), value);
  entries.push_back({time, key, std::move(value)});
}

}  // namespace

class MapState::SliceMap final : public SliceTable {
 public:
  explicit SliceMap(const RowLayout& layout) : layout_(layout) {}
  std::byte* Upsert(EventTime slice_end, std::string_view key, uint64_t hash) override {
    WEIR_CHECK(hash == HashBytes(key));
    WEIR_CHECK(!dropped_any_ || slice_end > dropped_, "a slice that was dropped is written again");
    return rows_[slice_end].try_emplace(std::string(key), layout_).first->second.bytes();
  }
  std::vector<EventTime> Slices() override {
    std::vector<EventTime> ends;
    for (const auto& [end, rows] : rows_) ends.push_back(end);
    return ends;
  }
  Status Scan(EventTime slice_end, const EntryVisitor& visit) override {
    const auto slice = rows_.find(slice_end);
    if (slice == rows_.end()) return Status::Ok();
    for (const auto& [key, row] : slice->second) WEIR_TRY(visit(slice_end, key, row.bytes()));
    return Status::Ok();
  }
  Status DropSlices(EventTime up_to) override {
    dropped_any_ = true;
    dropped_ = std::max(dropped_, up_to);
    rows_.erase(rows_.begin(), rows_.upper_bound(up_to));
    return Status::Ok();
  }
  std::vector<MapSnapshot::Entry> Stored() const {
    std::vector<MapSnapshot::Entry> entries;
    for (const auto& [end, rows] : rows_) {
      for (const auto& [key, row] : rows) Store(layout_, end, key, row, entries);
    }
    return entries;
  }

 private:
  const RowLayout& layout_;
  std::map<EventTime, std::map<std::string, Row>> rows_;
  bool dropped_any_ = false;
  EventTime dropped_ = EventTime::Min();
};

class MapState::Keys final : public KeyTable {
 public:
  explicit Keys(const RowLayout& layout) : layout_(layout) {}
  std::byte* Upsert(std::string_view key, uint64_t hash, EventTime time) override {
    WEIR_CHECK(hash == HashBytes(key));
    return rows_[std::string(key)].try_emplace(time, layout_).first->second.bytes();
  }
  Status FindBetween(std::string_view key, uint64_t, EventTime from, EventTime to,
                     std::vector<Found>& out) override {
    const auto rows = rows_.find(std::string(key));
    if (rows == rows_.end()) return Status::Ok();
    for (const auto& [time, row] : rows->second) {
      if (time >= from && time <= to) out.push_back({time, row.bytes()});
    }
    return Status::Ok();
  }
  void Touch(const Found& found) override { WEIR_CHECK(found.row != nullptr); }
  Status Erase(std::string_view key, uint64_t, EventTime time) override {
    const auto rows = rows_.find(std::string(key));
    WEIR_CHECK(rows != rows_.end() && rows->second.erase(time) == 1);
    if (rows->second.empty()) rows_.erase(rows);
    return Status::Ok();
  }
  Status Scan(const EntryVisitor& visit) override {
    for (const auto& [key, rows] : rows_) {
      for (const auto& [time, row] : rows) WEIR_TRY(visit(time, key, row.bytes()));
    }
    return Status::Ok();
  }
  std::vector<MapSnapshot::Entry> Stored() const {
    std::vector<MapSnapshot::Entry> entries;
    for (const auto& [key, rows] : rows_) {
      for (const auto& [time, row] : rows) Store(layout_, time, key, row, entries);
    }
    return entries;
  }

 private:
  const RowLayout& layout_;
  std::map<std::string, std::map<EventTime, Row>> rows_;
};

class MapState::Timers final : public TimerTable {
 public:
  Status Set(EventTime time, std::string_view key, uint64_t) override {
    due_.emplace(time, key);
    return Status::Ok();
  }
  Status TakeDue(EventTime up_to,
                 const std::function<Status(EventTime, std::string_view)>& fire) override {
    while (!due_.empty() && due_.begin()->first <= up_to) {
      const auto timer = due_.extract(due_.begin());
      WEIR_TRY(fire(timer.value().first, timer.value().second));
    }
    return Status::Ok();
  }
  const auto& due() const { return due_; }

 private:
  std::set<std::pair<EventTime, std::string>> due_;
};

class MapState::Counter final : public SlotCounter {
 public:
  void Add(KeySlot slot, int64_t n) override { slots_[slot] += n; }
  int64_t Sum() const override {
    int64_t sum = 0;
    for (const auto& [slot, n] : slots_) sum += n;
    return sum;
  }
  const auto& slots() const { return slots_; }

 private:
  std::map<KeySlot, int64_t> slots_;
};

MapState::MapState(SlotRange range, std::vector<MapSnapshot> from)
    : range_(range), from_(std::move(from)) {
  std::map<std::string, std::vector<SlotTimes::Part>> closed_up_to;
  for (const MapSnapshot& snapshot : from_) {
    for (const auto& [step, parts] : snapshot.closed_up_to) {
      for (const auto& [slots, time] : parts) {
        const SlotRange mine{std::max(slots.begin, range.begin), std::min(slots.end, range.end)};
        if (mine.begin < mine.end) closed_up_to[step].push_back({mine, time});
      }
    }
  }
  for (auto& [step, parts] : closed_up_to) closed_up_to_.emplace(step, std::move(parts));
}

MapState::~MapState() = default;

SlotTimes& MapState::ClosedUpTo(const std::string& step) {
  return closed_up_to_.try_emplace(step, range_).first->second;
}

bool MapState::IsMine(std::string_view key) const {
  return range_.Contains(SlotOfHash(HashBytes(key)));
}

MapSnapshot MapState::Snapshot() const {
  MapSnapshot snapshot;
  for (const auto& [name, table] : slices_) snapshot.tables[name] = table->Stored();
  for (const auto& [name, table] : keys_) snapshot.tables[name] = table->Stored();
  for (const auto& [name, timers] : timers_) {
    snapshot.timers[name].assign(timers->due().begin(), timers->due().end());
  }
  for (const auto& [name, counter] : counters_) snapshot.counters[name] = counter->slots();
  for (const auto& [step, times] : closed_up_to_) snapshot.closed_up_to[step] = times.parts();
  return snapshot;
}

SliceTable& MapState::OpenSlices(const std::string& step, const std::string& table,
                                 const RowLayout& layout) {
  const std::string name = step + "/" + table;
  auto& made = slices_[name] = std::make_unique<SliceMap>(layout);
  for (const MapSnapshot& snapshot : from_) {
    const auto entries = snapshot.tables.find(name);
    if (entries == snapshot.tables.end()) continue;
    for (const MapSnapshot::Entry& entry : entries->second) {
      if (!IsMine(entry.key)) continue;
      std::byte* row = made->Upsert(entry.time, entry.key, HashBytes(entry.key));
      WEIR_CHECK(layout.Decode(entry.value, row));
    }
  }
  return *made;
}

KeyTable& MapState::OpenKeys(const std::string& step, const std::string& table,
                             const RowLayout& layout) {
  const std::string name = step + "/" + table;
  auto& made = keys_[name] = std::make_unique<Keys>(layout);
  for (const MapSnapshot& snapshot : from_) {
    const auto entries = snapshot.tables.find(name);
    if (entries == snapshot.tables.end()) continue;
    for (const MapSnapshot::Entry& entry : entries->second) {
      if (!IsMine(entry.key)) continue;
      std::byte* row = made->Upsert(entry.key, HashBytes(entry.key), entry.time);
      WEIR_CHECK(layout.Decode(entry.value, row));
    }
  }
  return *made;
}

TimerTable& MapState::OpenTimers(const std::string& step, const std::string& table) {
  const std::string name = step + "/" + table;
  auto& made = timers_[name] = std::make_unique<Timers>();
  for (const MapSnapshot& snapshot : from_) {
    const auto timers = snapshot.timers.find(name);
    if (timers == snapshot.timers.end()) continue;
    for (const auto& [time, key] : timers->second) {
      if (IsMine(key)) WEIR_CHECK(made->Set(time, key, HashBytes(key)).ok());
    }
  }
  return *made;
}

SlotCounter& MapState::OpenCounter(const std::string& step, const std::string& name) {
  const std::string full_name = step + "/" + name;
  auto& made = counters_[full_name] = std::make_unique<Counter>();
  for (const MapSnapshot& snapshot : from_) {
    const auto counter = snapshot.counters.find(full_name);
    if (counter == snapshot.counters.end()) continue;
    for (const auto& [slot, n] : counter->second) {
      if (range_.Contains(slot)) made->Add(slot, n);
    }
  }
  return *made;
}

}  // namespace weir::testing
