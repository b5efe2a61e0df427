#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/tables.h"

namespace weir::testing {

/// State of a task as it was checkpointed, in stored form.
struct MapSnapshot {
  struct Entry {
    EventTime time;
    std::string key;
    std::string value;
  };
  std::map<std::string, std::vector<Entry>> tables;
  std::map<std::string, std::vector<std::pair<EventTime, std::string>>> timers;
  std::map<std::string, std::map<KeySlot, int64_t>> counters;
  std::map<std::string, std::vector<SlotTimes::Part>> closed_up_to;
};

/// The tables of a task as plain maps: slow, and simple enough to be right. The reference that fast
/// state is tested against. Everything is kept by "step/table".
class MapState final : public TableOpener {
 public:
  /// What of `from` (the snapshots of all tasks of a step) lies in `range`.
  explicit MapState(SlotRange range = {}, std::vector<MapSnapshot> from = {});
  ~MapState() override;

  MapSnapshot Snapshot() const;

  SliceTable& OpenSlices(const std::string& step, const std::string& table,
                         const RowLayout& layout) override;
  KeyTable& OpenKeys(const std::string& step, const std::string& table,
                     const RowLayout& layout) override;
  TimerTable& OpenTimers(const std::string& step, const std::string& table) override;
  SlotCounter& OpenCounter(const std::string& step, const std::string& name) override;
  SlotTimes& ClosedUpTo(const std::string& step) override;
  SlotRange range() const override { return range_; }

 private:
  class SliceMap;
  class Keys;
  class Timers;
  class Counter;
  bool IsMine(std::string_view key) const;

  const SlotRange range_;
  const std::vector<MapSnapshot> from_;
  std::map<std::string, std::unique_ptr<SliceMap>> slices_;
  std::map<std::string, std::unique_ptr<Keys>> keys_;
  std::map<std::string, std::unique_ptr<Timers>> timers_;
  std::map<std::string, std::unique_ptr<Counter>> counters_;
  std::map<std::string, SlotTimes> closed_up_to_;
};

}  // namespace weir::testing
