#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "state/testing.h"

namespace weir::testing {

inline const TextLayout kText;

/// What tables should hold, kept the plain way.
struct TableModel {
  std::map<std::pair<int64_t, std::string>, std::string> slices;
  std::map<std::pair<std::string, int64_t>, std::string> keys;
  std::set<std::pair<int64_t, std::string>> timers;
  std::map<std::string, int64_t> counts;
  int64_t dropped = 0;
  friend bool operator==(const TableModel&, const TableModel&) = default;
};

/// One task with a table of each kind, of two steps: "window" and "session".
struct TableTask {
  TableTask(CheckpointStore& store, const std::string& folder, SlotRange slots, size_t budget,
            RestoredState restored, uint64_t merge_bytes = 2000) {
    TaskStateOptions options;
    options.directory = folder;
    options.range = slots;
    options.memory_budget = budget;
    options.store = &store;
    options.merge_bytes = merge_bytes;
    state = Check(TaskState::Open(options, std::move(restored)));
    slices = &state->OpenSlices("window", "slices", kText);
    keys = &state->OpenKeys("session", "keys", kText);
    timers = &state->OpenTimers("session", "timers");
    counter = &state->OpenCounter("window", "held");
    Check(state->status());
  }

  void PutSlice(int64_t end, const std::string& key, const std::string& value) {
    std::byte* row = slices->Upsert({end}, key, HashBytes(key));
    Check(state->status());
    REQUIRE(row != nullptr);
    TextLayout::Text(row) += value;
  }
  void PutKey(const std::string& key, int64_t time, const std::string& value) {
    std::byte* row = keys->Upsert(key, HashBytes(key), {time});
    Check(state->status());
    REQUIRE(row != nullptr);
    TextLayout::Text(row) += value;
  }

  void ReadInto(TableModel& model) {
    for (const EventTime end : slices->Slices()) {
      Check(slices->Scan(end, [&](EventTime time, std::string_view key, const std::byte* row) {
        const bool fresh =
            model.slices.emplace(std::pair(time.us, std::string(key)), TextLayout::Text(row))
                .second;
        REQUIRE(fresh);
        return Status::Ok();
      }));
    }
    Check(keys->Scan([&](EventTime time, std::string_view key, const std::byte* row) {
      const bool fresh =
          model.keys.emplace(std::pair(std::string(key), time.us), TextLayout::Text(row)).second;
      REQUIRE(fresh);
      return Status::Ok();
    }));
  }

  Result<TaskSnapshot> Checkpoint() {
    Result<TaskSnapshot> snapshot = state->Write(state->Seal());
    state->Completed(snapshot.ok());
    return snapshot;
  }

  std::unique_ptr<TaskState> state;
  SliceTable* slices = nullptr;
  KeyTable* keys = nullptr;
  TimerTable* timers = nullptr;
  SlotCounter* counter = nullptr;
};

}  // namespace weir::testing
