#include "state/task_state.h"
#include "state/testing/store_place.h"
#include "state/testing/table_task.h"

namespace weir {
namespace {

using testing::Check;
using testing::StorePlace;
using testing::TableModel;
using testing::TableTask;

const SlotRange kAllSlots{0, kKeySlots};

/// What a task's checkpoint keeps for one step.
proto::TaskCheckpoint PartOf(const proto::TaskCheckpoint& task, const std::string& step) {
  proto::TaskCheckpoint part = task;
  REQUIRE(RestrictTo(part, [&](const std::string& name) { return name == step; }));
  return part;
}

TEST_CASE("state that is given up does not come back, and its table ids stay taken") {
  StorePlace folder(GENERATE(false, true));
  auto store = folder.Open();
  // One task that goes on as it was, or two that share what it had.
  const uint32_t parallelism = GENERATE(1U, 2U);
  proto::TaskCheckpoint checkpoint;
  {
    TableTask task(*store, folder / "a", kAllSlots, 1 << 20, {});
    for (int n = 0; n < 200; n++) {
      const std::string key = "k" + std::to_string(n);
      task.PutSlice(10, key, "old");
      task.PutKey(key, n, "v");
      task.counter->Add(SlotOfHash(HashBytes(key)), 1);
    }
    task.state->ClosedUpTo("window").RaiseTo({5});
    checkpoint = PartOf(Check(task.Checkpoint()).checkpoint, "session");
  }
  proto::TaskCheckpoint nothing = checkpoint;
  CHECK_FALSE(RestrictTo(nothing, [](const std::string&) { return false; }));

  std::vector<proto::TaskCheckpoint> next;
  for (uint32_t i = 0; i < parallelism; i++) {
    const SlotRange slots = SlotsOf(i, parallelism);
    TableTask task(*store, folder / ("b" + std::to_string(i)), slots, 1 << 20,
                   RestoredFor({&checkpoint}, slots));
    CHECK(task.slices->Slices().empty());
    CHECK(task.counter->Sum() == 0);
    CHECK(task.state->ClosedUpTo("window").least() == EventTime::Min());
    for (int n = 100; n < 150; n++) {
      const std::string key = "k" + std::to_string(n);
      if (slots.Contains(SlotOfHash(HashBytes(key)))) task.PutSlice(10, key, "new");
    }
    // Several, so that what is moved from other stores has come over.
    for (int round = 0; round < 20; round++) next.push_back(Check(task.Checkpoint()).checkpoint);
    next.erase(next.end() - 20, next.end() - 1);
  }
  std::vector<const proto::TaskCheckpoint*> old;
  for (const proto::TaskCheckpoint& task : next) old.push_back(&task);
  TableTask task(*store, folder / "c", kAllSlots, 1 << 20, RestoredFor(old, kAllSlots));
  TableModel model;
  task.ReadInto(model);
  CHECK(model.keys.size() == 200);
  REQUIRE(model.slices.size() == 50);
  for (const auto& [at, value] : model.slices) CHECK(value == "new");
}

TEST_CASE("steps of one task go on in two, and come together again") {
  StorePlace folder(GENERATE(false, true));
  auto store = folder.Open();
  proto::TaskCheckpoint whole;
  {
    TableTask task(*store, folder / "a", kAllSlots, 1 << 20, {});
    for (int n = 0; n < 100; n++) {
      const std::string key = "k" + std::to_string(n);
      task.PutSlice(10, key, "v");
      task.PutSlice(20, key, "v");
      task.PutKey(key, n, "v");
      task.counter->Add(SlotOfHash(HashBytes(key)), 2);
    }
    Check(task.slices->DropSlices({10}));
    task.state->ClosedUpTo("window").RaiseTo({10});
    whole = Check(task.Checkpoint()).checkpoint;
  }
  std::vector<proto::TaskCheckpoint> parts;
  for (const std::string step : {"session", "window"}) {
    const proto::TaskCheckpoint part = PartOf(whole, step);
    TableTask task(*store, folder / step, kAllSlots, 1 << 20, RestoredFor({&part}, kAllSlots));
    CHECK(task.slices->Slices().empty() == (step == "session"));
    CHECK(task.counter->Sum() == (step == "window" ? 200 : 0));
    parts.push_back(PartOf(Check(task.Checkpoint()).checkpoint, step));
  }
  TableTask task(*store, folder / "b", kAllSlots, 1 << 20,
                 RestoredFor({&parts[0], &parts[1]}, kAllSlots));
  CHECK(task.slices->Slices() == std::vector<EventTime>{{20}});
  CHECK(task.counter->Sum() == 200);
  CHECK(task.state->ClosedUpTo("window").least() == EventTime{10});
  TableModel model;
  task.ReadInto(model);
  CHECK(model.keys.size() == 100);
  CHECK(model.slices.size() == 100);
}

}  // namespace
}  // namespace weir
