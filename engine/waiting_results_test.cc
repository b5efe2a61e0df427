#include "engine/waiting_results.h"

#include "engine/errors.h"
#include "state/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;

/// Manifest 1 of attempt 4: sinks `out` (two lanes) and `late`, with rows that wait.
proto::Manifest WithWaiting() {
  proto::Manifest manifest;
  manifest.set_number(1);
  manifest.set_job("clicks");
  manifest.set_instance("instance");
  manifest.set_term(2);
  manifest.set_attempt(4);
  const auto add = [&](const char* sink, uint32_t lane, std::vector<int64_t> rows) {
    proto::LaneState& state = *manifest.add_lanes();
    state.set_sink(sink);
    state.set_lane(lane);
    proto::OutboxEpoch& epoch = *state.add_unpublished();
    epoch.set_epoch(1);
    for (const int64_t n : rows) epoch.add_parts()->set_rows(n);
  };
  add("out", 0, {10, 20});
  add("out", 1, {5});
  add("late", 0, {1});
  return manifest;
}

TEST_CASE("what waits in the newest checkpoint is told by sink, lane and epoch") {
  const TemporaryFolder folder;
  const auto store = Check(CheckpointStore::Open(folder.path(), "clicks"));
  CHECK(ListWaiting(*store).status().Is(errors::kNoCheckpoint));
  (void)Check(store->CommitManifest(WithWaiting()));
  const WaitingResults waiting = Check(ListWaiting(*store));
  CHECK(waiting.checkpoint == 1);
  REQUIRE(waiting.epochs.size() == 3);
  CHECK(waiting.epochs[0].sink == "out");
  CHECK(waiting.epochs[0].rows == 30);
  CHECK(waiting.epochs[1].lane == 1);
  CHECK(waiting.epochs[2].sink == "late");
}

TEST_CASE("a user's word about waiting results is a checkpoint of its own") {
  const TemporaryFolder folder;
  const auto store = Check(CheckpointStore::Open(folder.path(), "clicks"));
  (void)Check(store->CommitManifest(WithWaiting()));
  const auto as = [](AttemptId id) {
    return [id](const proto::Manifest& newest) -> Result<AttemptId> {
      CHECK(newest.attempt() == 4);
      return id;
    };
  };
  SECTION("dropped") {
    const Resolved resolved = Check(ResolveWaiting(*store, {"out", true}, {77}, as({3, 5})));
    CHECK(resolved.checkpoint == 2);
    CHECK(resolved.rows == 35);
    const proto::Manifest manifest = Check(store->Newest())->manifest;
    CHECK(manifest.number() == 2);
    CHECK(manifest.term() == 3);
    CHECK(manifest.attempt() == 5);
    CHECK(manifest.written_at_us() == 77);
    CHECK(manifest.lanes(0).unpublished().empty());
    CHECK(manifest.lanes(1).unpublished().empty());
    CHECK(manifest.lanes(2).unpublished_size() == 1);
    CHECK(manifest.totals().values().at("out.dropped") == 35);
  }
  SECTION("set aside at the next start") {
    CHECK(Check(ResolveWaiting(*store, {"late", false}, {77}, as({2, 5}))).rows == 1);
    const proto::Manifest manifest = Check(store->Newest())->manifest;
    CHECK(manifest.lanes(2).set_refused_aside());
    CHECK(manifest.lanes(2).unpublished_size() == 1);
    CHECK_FALSE(manifest.lanes(0).set_refused_aside());
    CHECK(manifest.totals().values().empty());
  }
  SECTION("of a sink that is not known") {
    CHECK(ResolveWaiting(*store, {"ou", true}, {77}, as({2, 5})).status().Is(errors::kNoSuchSink));
    CHECK(Check(store->ListManifests()).size() == 1);
  }
  SECTION("too late: a later attempt has written") {
    CHECK(ResolveWaiting(*store, {"out", true}, {77}, as({3, 4})).status().Is(errors::kDeposed));
    CHECK(Check(store->ListManifests()).size() == 1);
  }
  SECTION("while another writes") {
    const auto begin = [&](const proto::Manifest&) -> Result<AttemptId> {
      proto::Manifest other = WithWaiting();
      other.set_number(2);
      other.set_parent(1);
      other.set_parent_checksum(CheckpointStore::ChecksumOf(WithWaiting()));
      (void)Check(store->CommitManifest(other));
      return AttemptId{2, 5};
    };
    CHECK(ResolveWaiting(*store, {"out", true}, {77}, begin).status().Is(errors::kDeposed));
    CHECK(Check(store->Newest())->manifest.lanes(0).unpublished_size() == 1);
  }
}

}  // namespace
}  // namespace weir
