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
  const auto decision = DecideLane(Standing(5), "me", 7, {});
  REQUIRE(decision.ok());
  CHECK(decision->publish_after == Epoch{5});
  CHECK_FALSE(decision->write_marker);
}

TEST_CASE("a marker at the manifest: nothing is left to publish") {
  const auto decision = DecideLane(Standing(7), "me", 7, {});
  REQUIRE(decision.ok());
  CHECK(decision->publish_after == Epoch{7});
}

TEST_CASE("a marker above the manifest is a stop, unless a rewind is said") {
  const auto stop = DecideLane(Standing(9), "me", 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kStaleMarker));
  CHECK(stop.status().kind() == ErrorKind::kDecision);
  CHECK(stop.status().cure().find("--rewind") != std::string::npos);
  const auto rewind = DecideLane(Standing(9), "me", 7, {.rewind = true, .take_over = false});
  REQUIRE(rewind.ok());
  CHECK(rewind->publish_after == Epoch{7});
  CHECK(rewind->write_marker);
}

TEST_CASE("a marker of another instance is a stop, unless a take-over is said") {
  const auto stop = DecideLane(Standing(3, "other"), "me", 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kForeignMarker));
  const auto taken =
      DecideLane(Standing(3, "other"), "me", 7, {.rewind = false, .take_over = true});
  REQUIRE(taken.ok());
  // Its number says nothing of this instance's epochs: all are published.
  CHECK(taken->publish_after == Epoch{0});
  CHECK(taken->write_marker);
}

TEST_CASE("a marker that is gone matters only where results wait") {
  LaneStanding standing = Standing(std::nullopt);
  CHECK(DecideLane(standing, "me", 7, {}).ok());
  standing.unpublished = {Epoch{7}};
  const auto stop = DecideLane(standing, "me", 7, {});
  REQUIRE_FALSE(stop.ok());
  CHECK(stop.status().Is(errors::kMarkerGone));
  // A lane that no manifest names has never published.
  standing.opened_before = false;
  CHECK(DecideLane(standing, "me", 7, {}).ok());
}

TEST_CASE("a sink without markers: what began to be published later is a stop") {
  LaneStanding standing;
  standing.lane = {"files", 0};
  standing.publishing_begun = Epoch{7};
  CHECK(DecideLane(standing, "me", 7, {}).ok());
  CHECK(DecideLane(standing, "me", 6, {}).status().Is(errors::kStaleMarker));
  CHECK(DecideLane(standing, "me", 6, {.rewind = true, .take_over = false}).ok());
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
  CHECK(CheckSameJob(PlanWith("counts", "tumbling 10s by a"), manifest).ok());

  const Status other = CheckSameJob(PlanWith("counts", "tumbling 20s by a"), manifest);
  CHECK(other.Is(errors::kChangedJob));
  CHECK(other.message().find("tumbling 20s by a (before: tumbling 10s by a)") != std::string::npos);

  manifest.add_sources()->set_source("orders");
  const Status gone = CheckSameJob(PlanWith("totals", "x"), manifest);
  CHECK(gone.message().find("step 'counts' is gone") != std::string::npos);
  CHECK(gone.message().find("source 'orders' is gone") != std::string::npos);
}

}  // namespace
}  // namespace weir
