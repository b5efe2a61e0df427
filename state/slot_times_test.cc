#include "state/slot_times.h"

#include "batch/key.h"
#include "state/testing.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;
using testing::TextLayout;

constexpr uint32_t kHalf = kKeySlots / 2;
constexpr SlotRange kLower = {0, kHalf};
constexpr SlotRange kUpper = {kHalf, kKeySlots};
const TextLayout kText;

TEST_CASE("times of slots become one when they are raised past all of them") {
  SlotTimes times({{kUpper, {90}}, {kLower, {100}}});
  CHECK(times.least() == EventTime{90});
  CHECK(times.Of(kHalf - 1) == EventTime{100});
  CHECK(times.Of(kHalf) == EventTime{90});
  times.RaiseTo({95});
  CHECK(times.parts() == std::vector<SlotTimes::Part>{{kLower, {100}}, {kUpper, {95}}});
  times.RaiseTo({110});
  CHECK(times.even());
  CHECK(times.parts() == std::vector<SlotTimes::Part>{{{0, kKeySlots}, {110}}});
  CHECK(SlotTimes(kUpper).least() == EventTime::Min());
}

TEST_CASE("tasks that differ in what they closed and dropped keep that for their slots") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  const auto open = [&](SlotRange slots, RestoredState restored) {
    TaskStateOptions options;
    options.directory = folder / "task";
    options.range = slots;
    options.store = store.get();
    return Check(TaskState::Open(options, std::move(restored)));
  };
  const auto checkpoint = [](TaskState& state) {
    const TaskSnapshot snapshot = Check(state.Write(state.Seal()));
    state.Completed(true);
    return snapshot.checkpoint;
  };
  std::vector<proto::TaskCheckpoint> kept;
  for (const SlotRange slots : {kLower, kUpper}) {
    const auto state = open(slots, {});
    SliceTable& slices = state->OpenSlices("window", "slices", kText);
    for (int n = 0; n < 100; n++) {
      const std::string key = "k" + std::to_string(n);
      const uint64_t hash = HashBytes(key);
      if (slots.Contains(SlotOfHash(hash))) REQUIRE(slices.Upsert({95}, key, hash) != nullptr);
    }
    const EventTime closed = {slots == kLower ? 100 : 90};
    Check(slices.DropSlices(closed));
    state->ClosedUpTo("window").RaiseTo(closed);
    kept.push_back(checkpoint(*state));
  }
  const auto restored = [&](SlotRange slots) {
    return open(slots, RestoredFor({&kept[0], &kept[1]}, slots));
  };
  SECTION("each goes on by itself") {
    CHECK(restored(kLower)->ClosedUpTo("window").least() == EventTime{100});
    const auto upper = restored(kUpper);
    CHECK(upper->ClosedUpTo("window").least() == EventTime{90});
    SliceTable& slices = upper->OpenSlices("window", "slices", kText);
    CHECK(slices.Slices() == std::vector<EventTime>{{95}});
  }
  SECTION("one goes on from both, and its checkpoint keeps them apart") {
    const std::vector<SlotTimes::Part> apart = {{kLower, {100}}, {kUpper, {90}}};
    auto both = restored({});
    CHECK(both->ClosedUpTo("window").parts() == apart);
    SliceTable& slices = both->OpenSlices("window", "slices", kText);
    CHECK(slices.Slices() == std::vector<EventTime>{{95}});
    const proto::TaskCheckpoint merged = checkpoint(*both);
    both = open({}, RestoredFor({&merged}, {}));
    CHECK(both->ClosedUpTo("window").parts() == apart);
  }
}

}  // namespace
}  // namespace weir
