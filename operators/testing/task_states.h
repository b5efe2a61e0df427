#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operators/testing/map_state.h"
#include "state/testing.h"

namespace weir::testing {

/// The states of a step's tasks, in one kind of tables or another.
class States {
 public:
  virtual ~States() = default;
  /// Opens the states of `tasks` tasks, each with its share of what the last Checkpoint kept.
  virtual void Open(uint32_t tasks) = 0;
  virtual TableOpener& state(size_t task) = 0;
  virtual void BetweenBatches() {}
  virtual void Checkpoint() = 0;
  /// Whether nothing is kept any more.
  virtual bool IsEmpty() { return true; }
};

class MapStates final : public States {
 public:
  void Open(uint32_t tasks) override {
    states_.clear();
    for (uint32_t i = 0; i < tasks; i++) {
      states_.push_back(std::make_unique<MapState>(SlotsOf(i, tasks), kept_));
    }
  }
  TableOpener& state(size_t task) override { return *states_[task]; }
  void Checkpoint() override {
    kept_.clear();
    for (auto& state : states_) kept_.push_back(state->Snapshot());
  }
  bool IsEmpty() override {
    for (auto& state : states_) {
      for (const auto& [name, entries] : state->Snapshot().tables) {
        if (!entries.empty()) return false;
      }
    }
    return true;
  }

 private:
  std::vector<std::unique_ptr<MapState>> states_;
  std::vector<MapSnapshot> kept_;
};

/// The tables that tasks really have, with so little memory that entries are evicted all the time.
class StoredStates final : public States {
 public:
  void Open(uint32_t tasks) override {
    states_.clear();
    std::vector<const proto::TaskCheckpoint*> kept;
    for (const proto::TaskCheckpoint& task : kept_) kept.push_back(&task);
    for (uint32_t i = 0; i < tasks; i++) {
      TaskStateOptions options;
      options.directory = folder_ / ("task-" + std::to_string(i));
      options.range = SlotsOf(i, tasks);
      options.memory_budget = 4096;
      options.store = store_.get();
      states_.push_back(
          Check(TaskState::Open(std::move(options), RestoredFor(kept, SlotsOf(i, tasks)))));
    }
  }
  TableOpener& state(size_t task) override { return *states_[task]; }
  void BetweenBatches() override {
    for (auto& state : states_) {
      Check(state->Relieve());
      Check(state->status());
    }
  }
  void Checkpoint() override {
    kept_.clear();
    for (auto& state : states_) {
      kept_.push_back(Check(state->Write(state->Seal())).checkpoint);
      state->Completed(true);
    }
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<CheckpointStore> store_ = Check(CheckpointStore::Open(folder_ / "store", "job"));
  std::vector<std::unique_ptr<TaskState>> states_;
  std::vector<proto::TaskCheckpoint> kept_;
};

}  // namespace weir::testing
