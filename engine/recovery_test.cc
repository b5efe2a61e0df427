#include "engine/recovery.h"

#include "engine/errors.h"
#include "engine/lane.h"
#include "tests/catch.h"

namespace weir {
namespace {

LaneStanding Standing(std::optional<uint64_t> marker, std::string instance = "me") {
  LaneStanding standing;
  standing.lane = {"out", 0};
  standing.has_markers = true;
  standing.opened_before = true;
  if (marker) standing.marker = {true, Epoch{*marker}, std::move(instance)};
  return standing;
}

TEST_CASE("a marker behind the manifest: what it does not cover is published") {
  const auto decision = DecideLane(Standing(5), {"me", ""}, 7, {});
  REQUIRE(decision.ok());
  CHECK(decision->publish_after == Epoch{5});
  CHECK_FALSE(decision->write_marker);
}

TEST_CASE("a marker at the manifest: nothing is left to publish") {
  const auto decision = DecideLane(Standing(7), {"me", ""}, 7, {});
  REQUIRE(decision.ok());
  CHECK(decision->publish_after == Epoch{7});
}

TEST_CASE("a marker above the manifest is a stop, unless a rewind is said") {
  const auto stop = DecideLane(Standing(9), {"me", ""}, 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kStaleMarker));
  CHECK(stop.status().kind() == ErrorKind::kDecision);
  CHECK(stop.status().cure().find("--rewind") != std::string::npos);
  const auto rewind = DecideLane(Standing(9), {"me", ""}, 7, {.rewind = true, .take_over = false});
  REQUIRE(rewind.ok());
  CHECK(rewind->publish_after == Epoch{7});
  CHECK(rewind->write_marker);
}

TEST_CASE("a marker of another instance is a stop, unless a take-over is said") {
  const auto stop = DecideLane(Standing(3, "other"), {"me", ""}, 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kForeignMarker));
  const auto taken =
      DecideLane(Standing(3, "other"), {"me", ""}, 7, {.rewind = false, .take_over = true});
  REQUIRE(taken.ok());
  // Its number says nothing of this instance's epochs: all are published.
  CHECK(taken->publish_after == Epoch{0});
  CHECK(taken->write_marker);
}

TEST_CASE("a marker that is gone matters only where results wait") {
  LaneStanding standing = Standing(std::nullopt);
  CHECK(DecideLane(standing, {"me", ""}, 7, {}).ok());
  standing.unpublished = {Epoch{7}};
  const auto stop = DecideLane(standing, {"me", ""}, 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kMarkerGone));
  // A lane that no manifest names has never published.
  standing.opened_before = false;
  CHECK(DecideLane(standing, {"me", ""}, 7, {}).ok());
}

TEST_CASE("a sink without markers: what began to be published later is a stop") {
  LaneStanding standing;
  standing.lane = {"files", 0};
  standing.publishing_begun = Epoch{7};
  CHECK(DecideLane(standing, {"me", ""}, 7, {}).ok());
  CHECK(DecideLane(standing, {"me", ""}, 6, {}).status().Is(errors::kStaleMarker));
  CHECK(DecideLane(standing, {"me", ""}, 6, {.rewind = true, .take_over = false}).ok());
}

TEST_CASE("after an unknown outcome only what the marker does not cover is published") {
  const std::vector<SealedEpoch> sealed = {{Epoch{5}, {}}, {Epoch{6}, {}}, {Epoch{8}, {}}};
  CHECK(NotYetPublished(sealed, {false, {}, ""}).size() == 3);
  CHECK(NotYetPublished(sealed, {true, Epoch{4}, "me"}).size() == 3);
  const auto rest = NotYetPublished(sealed, {true, Epoch{6}, "me"});
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].epoch == Epoch{8});
  CHECK(NotYetPublished(sealed, {true, Epoch{8}, "me"}).empty());
}

JobPlan PlanWith(const std::string& step, const std::string& shape) {
  JobPlan plan;
  NodePlan source;
  source.role = NodePlan::Role::kSource;
  source.user_name = "clicks";
  NodePlan node;
  node.user_name = step;
  auto op = std::make_shared<OperatorPlan>();
  op->stateful = true;
  op->state_shape = shape;
  node.op = op;
  plan.nodes = {source, node};
  return plan;
}

TEST_CASE("a changed job goes on where its state fits, and lists what does not") {
  proto::Manifest manifest;
  manifest.set_number(3);
  (*manifest.mutable_state_shapes())["counts"] = "tumbling 10s by a";
  manifest.add_sources()->set_source("clicks");
  CHECK(CheckSameJob(PlanWith("counts", "tumbling 10s by a"), manifest, {}).ok());

  const Status other = CheckSameJob(PlanWith("counts", "tumbling 20s by a"), manifest, {});
  CHECK(other.Is(errors::kChangedJob));
  CHECK(other.message().find("tumbling 20s by a (before: tumbling 10s by a)") != std::string::npos);

  manifest.add_sources()->set_source("orders");
  const Status gone = CheckSameJob(PlanWith("totals", "x"), manifest, {});
  CHECK(gone.message().find("step 'counts' is gone") != std::string::npos);
  CHECK(gone.message().find("source 'orders' is gone") != std::string::npos);
  CHECK(gone.cure().find("--drop-state counts,orders") != std::string::npos);
  CHECK(MustDrop(PlanWith("totals", "x"), manifest) == std::set<std::string>{"counts", "orders"});
  CHECK(CheckSameJob(PlanWith("totals", "x"), manifest, {"counts", "orders"}).ok());
  const Status half = CheckSameJob(PlanWith("totals", "x"), manifest, {"counts"});
  CHECK(half.message().find("'counts'") == std::string::npos);
  CHECK(half.cure().find("--drop-state counts,orders") != std::string::npos);

  // A sink that results still wait for is no state: nothing helps but to publish them.
  proto::LaneState& lane = *manifest.add_lanes();
  lane.set_sink("old");
  lane.add_unpublished();
  const Status waits = CheckSameJob(PlanWith("totals", "x"), manifest, {"counts", "orders"});
  CHECK(waits.message().find("sink 'old' is gone") != std::string::npos);
  CHECK(waits.cure().find("--drop-state") == std::string::npos);
}

TEST_CASE("what is given up is given up once, and by its name") {
  proto::Manifest manifest;
  manifest.set_number(3);
  manifest.set_job_text("old");
  (*manifest.mutable_state_shapes())["counts"] = "tumbling 10s by a";
  manifest.add_sources()->set_source("clicks");
  JobPlan plan = PlanWith("totals", "x");
  plan.text = "new";
  CHECK(*StillToDrop(plan, manifest, {"counts", "clicks"}) ==
        std::set<std::string>{"counts", "clicks"});
  CHECK(StillToDrop(plan, manifest, {})->empty());
  const auto unknown = StillToDrop(plan, manifest, {"cuonts"});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().Is(errors::kNothingToDrop));
  CHECK(unknown.status().cure().find("clicks, counts") != std::string::npos);
  // A manifest of the new text stands: what was gathered since then stays.
  manifest.set_job_text("new");
  CHECK(StillToDrop(plan, manifest, {"counts", "cuonts"})->empty());
}

TEST_CASE("state that is given up leaves the manifest, and its rows are told") {
  proto::Manifest manifest;
  (*manifest.mutable_totals()->mutable_values())["counts/window.held"] = 7;
  (*manifest.mutable_totals()->mutable_values())["sums/window.held"] = 5;
  for (const int64_t held : {3, 4}) {
    proto::TaskCheckpoint& task = *manifest.add_tasks();
    for (const char* step : {"counts", "sums"}) {
      (*task.mutable_counters())[std::string(step) + "/held"].add_slots(1);
      task.add_steps()->set_step(step);
      proto::NodeCounts& counts = *task.add_counts();
      counts.set_node(step + std::string("/window"));
      counts.set_held_after(held);
    }
  }
  const auto held = DropState(manifest, {"counts", "a source"});
  CHECK(held == std::map<std::string, int64_t>{{"counts", 7}});
  for (const proto::TaskCheckpoint& task : manifest.tasks()) {
    CHECK(task.counters().size() == 1);
    CHECK(task.counters().contains("sums/held"));
    REQUIRE(task.steps_size() == 1);
    CHECK(task.steps(0).step() == "sums");
    CHECK(task.counts(0).held_after() == 0);
    CHECK(task.counts(1).held_after() > 0);
  }
  const auto& totals = manifest.totals().values();
  CHECK(totals.at("counts/window.given_up") == 7);
  CHECK_FALSE(totals.contains("counts/window.held"));
  CHECK(totals.at("sums/window.held") == 5);
}

TEST_CASE(
    "markers of the instance whose savepoint the job goes on from count, and become its own") {
  const MarkerOwners owners{"me", "before me"};
  const auto decision = DecideLane(Standing(5, "before me"), owners, 7, {});
  REQUIRE(decision.ok());
  CHECK(decision->publish_after == Epoch{5});
  CHECK(decision->write_marker);
  CHECK_FALSE(DecideLane(Standing(5), owners, 7, {})->write_marker);
  CHECK(DecideLane(Standing(5, "other"), owners, 7, {}).status().Is(errors::kForeignMarker));
  const auto ahead = DecideLane(Standing(9, "before me"), owners, 7, {.from = "/kept/7"});
  CHECK(ahead.status().Is(errors::kStaleMarker));
  CHECK(ahead.status().cure().find("--from /kept/7 --rewind") != std::string::npos);
}

TEST_CASE("a savepoint goes behind checkpoints of its own instance that are not older") {
  proto::Manifest savepoint;
  savepoint.set_number(7);
  savepoint.set_instance("me");
  proto::Manifest newest;
  newest.set_number(7);
  newest.set_instance("me");
  CHECK(CheckGoesBack(savepoint, nullptr, "it").ok());
  CHECK(CheckGoesBack(savepoint, &newest, "it").ok());
  newest.set_number(6);
  CHECK(CheckGoesBack(savepoint, &newest, "it").Is(errors::kOtherSavepoint));
  newest.set_number(9);
  newest.set_instance("other");
  CHECK(CheckGoesBack(savepoint, &newest, "it").Is(errors::kOtherSavepoint));
  // An attempt before this one has claimed the log for it, and got no further.
  newest.set_heir_of("me");
  CHECK(CheckGoesBack(savepoint, &newest, "it").ok());
}

}  // namespace
}  // namespace weir
