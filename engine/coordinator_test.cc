#include "engine/coordinator.h"

#include "engine/errors.h"
#include "engine/recovery.h"
#include "state/checkpoint_store.h"
#include "tests/catch.h"

namespace weir {
namespace {

Duration Ms(int64_t n) { return Duration::Millis(n); }

/// A job of one source task and one sink task: rows go from `in` to `out`.
class CoordinatorHarness {
 public:
  explicit CoordinatorHarness(bool bounded = false, proto::Manifest base = MakeBase())
      : coordinator(MakePlan(bounded), std::move(base), "base checksum", Ms(0)) {}

  explicit CoordinatorHarness(CoordinatorPlan plan)
      : coordinator(std::move(plan), MakeBase(), "base checksum", Ms(0)) {}

  static CoordinatorPlan MakePlan(bool bounded) {
    CoordinatorPlan plan;
    plan.tasks = {{"in", 0}, {"out", 0}};
    plan.source_tasks = {{"in", 0}};
    plan.ledger = {{"in", {}, true, false, false, false},
                   {"out", {"in"}, false, true, false, false}};
    plan.lanes = {{"out", 0}};
    plan.host_of = {0};
    plan.interval = Ms(1000);
    plan.timeout = Ms(5000);
    plan.bounded = bounded;
    return plan;
  }
  static proto::Manifest MakeBase() {
    proto::Manifest base;
    base.set_number(7);
    base.set_instance("me");
    return base;
  }

  std::vector<Action> Tell(Fact fact, int64_t now_ms) {
    return coordinator.On(std::move(fact), Ms(now_ms));
  }

  TaskAck Ack(const std::string& task, BarrierId id, int64_t rows, int64_t lost = 0) {
    TaskAck ack;
    ack.task = {task, 0};
    ack.id = id;
    NodeTally& tally = ack.tallies[task];
    if (task == "in") {
      tally.counts.in = tally.counts.passed = tally.counts.out = rows;
      ack.channels["c"].sent = rows;
    } else {
      tally.counts.in = tally.counts.passed = tally.counts.out = rows - lost;
      tally.sealed = rows - lost;
      ack.channels["c"].received = rows - lost;
      if (rows > 0) {
        SealedOutbox outbox;
        outbox.sink = "out";
        outbox.stored.set_inline_bytes("rows " + std::to_string(rows));
        outbox.stored.set_rows(rows);
        ack.sealed.push_back(std::move(outbox));
      }
    }
    return ack;
  }

  /// Both acks; gives what the second one brings.
  std::vector<Action> AckAll(BarrierId id, int64_t rows, int64_t now_ms) {
    CHECK(Tell(facts::Acked{Ack("in", id, rows)}, now_ms).empty());
    return Tell(facts::Acked{Ack("out", id, rows)}, now_ms);
  }

  Coordinator coordinator;
};

template <typename A>
const A* Find(const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (const A* found = std::get_if<A>(&action)) return found;
  }
  return nullptr;
}

facts::ManifestWritten Written(
    uint64_t number, facts::ManifestOutcome outcome = facts::ManifestOutcome::kCommitted) {
  return {number, outcome, "", "sum " + std::to_string(number)};
}

TEST_CASE("a checkpoint: trigger, acks, manifest, then publishing, in that order") {
  CoordinatorHarness job;
  CHECK(job.Tell(facts::Tick{}, 999).empty());
  auto actions = job.Tell(facts::Tick{}, 1000);
  const auto* trigger = Find<actions::Trigger>(actions);
  REQUIRE(trigger);
  const BarrierId id = trigger->barrier.id;
  CHECK(id == BarrierId{Epoch{8}, 1});
  CHECK_FALSE(trigger->barrier.last);

  actions = job.AckAll(id, 3, 1100);
  const auto* write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  CHECK(actions.size() == 1);  // Nothing is told to sinks before the manifest is durable.
  CHECK(write->manifest.number() == 8);
  CHECK(write->manifest.parent() == 7);
  CHECK(write->manifest.parent_checksum() == "base checksum");
  CHECK(write->manifest.lanes(0).unpublished(0).epoch() == 8);
  CHECK(write->manifest.totals().values().at("in.in") == 3);

  actions = job.Tell(Written(8), 1200);
  const auto* publish = Find<actions::Publish>(actions);
  REQUIRE(publish);
  CHECK(publish->lane == LaneId{"out", 0});
  CHECK(publish->epoch == Epoch{8});
  CHECK(publish->manifest_checksum == "sum 8");
  REQUIRE(Find<actions::Committed>(actions));
  CHECK(Find<actions::Committed>(actions)->id == id);
  CHECK(Find<actions::CleanUp>(actions));
}

TEST_CASE("an epoch without rows publishes nothing") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  job.AckAll({Epoch{8}, 1}, 0, 1100);
  CHECK(Find<actions::Publish>(job.Tell(Written(8), 1200)) == nullptr);
}

TEST_CASE("what is not published yet stays in the manifests that follow") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  job.AckAll({Epoch{8}, 1}, 3, 1100);
  job.Tell(Written(8), 1200);
  job.Tell(facts::Tick{}, 2000);
  auto actions = job.AckAll({Epoch{9}, 1}, 4, 2100);
  const auto* write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  REQUIRE(write->manifest.lanes(0).unpublished_size() == 2);
  CHECK(write->manifest.parent_checksum() == "sum 8");

  SECTION("published while the manifest is being written") {
    job.Tell(facts::Published{{"out", 0}, Epoch{8}}, 2150);
    job.Tell(Written(9), 2200);
    CHECK(job.coordinator.progress().unpublished == 1);
  }
  SECTION("both published") {
    job.Tell(Written(9), 2200);
    job.Tell(facts::Published{{"out", 0}, Epoch{9}}, 2300);
    job.Tell(facts::Tick{}, 3000);
    auto next = job.AckAll({Epoch{10}, 1}, 0, 3100);
    REQUIRE(Find<actions::WriteManifest>(next));
    CHECK(Find<actions::WriteManifest>(next)->manifest.lanes(0).unpublished_size() == 0);
  }
}

TEST_CASE("a failed ack drops the try, and its number goes to the next") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  const BarrierId first{Epoch{8}, 1};
  job.Tell(facts::Acked{job.Ack("in", first, 3)}, 1100);
  auto actions =
      job.Tell(facts::AckFailed{{"out", 0}, first, Status(errors::kBadRow, "disk full")}, 1200);
  const auto* dropped = Find<actions::Dropped>(actions);
  REQUIRE(dropped);
  CHECK(dropped->id == first);
  CHECK(dropped->reason.find("disk full") != std::string::npos);

  actions = job.Tell(facts::Tick{}, 2200);
  const auto* trigger = Find<actions::Trigger>(actions);
  REQUIRE(trigger);
  CHECK(trigger->barrier.id == BarrierId{Epoch{8}, 2});
  SECTION("acks of the dropped try count for nothing") {
    CHECK(job.Tell(facts::Acked{job.Ack("in", first, 3)}, 2300).empty());
    CHECK(job.Tell(facts::Acked{job.Ack("out", first, 3)}, 2300).empty());
    CHECK(job.coordinator.progress().missing.size() == 2);
  }
}

TEST_CASE("a late checkpoint is dropped, and says who did not answer") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  job.Tell(facts::Acked{job.Ack("in", {Epoch{8}, 1}, 3)}, 1100);
  CHECK(job.Tell(facts::Tick{}, 5999).empty());
  auto actions = job.Tell(facts::Tick{}, 6000);
  REQUIRE(Find<actions::Dropped>(actions));
  CHECK(Find<actions::Dropped>(actions)->reason.find("out/0") != std::string::npos);
}

TEST_CASE("an unknown outcome of the manifest's write is asked again with the same bytes") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  auto first = job.AckAll({Epoch{8}, 1}, 3, 1100);
  const std::string bytes =
      CheckpointStore::EncodeManifest(Find<actions::WriteManifest>(first)->manifest);
  CHECK(job.Tell(Written(8, facts::ManifestOutcome::kUnknown), 1200).empty());
  CHECK(job.Tell(facts::Tick{}, 2100).empty());  // No new try before the outcome is known.
  auto again = job.Tell(facts::Tick{}, 2200);
  REQUIRE(Find<actions::WriteManifest>(again));
  CHECK(CheckpointStore::EncodeManifest(Find<actions::WriteManifest>(again)->manifest) == bytes);
  CHECK(Find<actions::Trigger>(again) == nullptr);
  CHECK(Find<actions::Publish>(job.Tell(Written(8), 2300)));
}

TEST_CASE("another's manifest at the number deposes: nothing is published") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  job.AckAll({Epoch{8}, 1}, 3, 1100);
  auto actions = job.Tell(Written(8, facts::ManifestOutcome::kOther), 1200);
  REQUIRE(Find<actions::Fail>(actions));
  CHECK(Find<actions::Fail>(actions)->status.Is(errors::kDeposed));
  CHECK(Find<actions::Publish>(actions) == nullptr);
  CHECK(job.coordinator.done());
}

TEST_CASE("rows that do not add up stop the job and name the node") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  job.Tell(facts::Acked{job.Ack("in", {Epoch{8}, 1}, 3)}, 1100);
  auto actions = job.Tell(facts::Acked{job.Ack("out", {Epoch{8}, 1}, 3, /*lost=*/1)}, 1100);
  REQUIRE(Find<actions::Fail>(actions));
  CHECK(Find<actions::Fail>(actions)->status.Is(errors::kLedger));
  CHECK(Find<actions::Fail>(actions)->status.message().find("'out'") != std::string::npos);
  CHECK(Find<actions::WriteManifest>(actions) == nullptr);
  CHECK(job.coordinator.unaccounted_rows() > 0);
}

TEST_CASE(
    "tasks of a step must agree on what is closed, unless they go on from where they did not") {
  const bool apart = GENERATE(false, true);
  proto::Manifest base = CoordinatorHarness::MakeBase();
  for (int64_t closed_us : {1, 2}) {
    proto::StepState& step = *base.add_tasks()->add_steps();
    step.set_step("window");
    step.set_closed_up_to_us(apart ? closed_us : 1);
  }
  CoordinatorHarness job(/*bounded=*/false, base);
  job.Tell(facts::Tick{}, 1000);
  TaskAck in = job.Ack("in", {Epoch{8}, 1}, 0);
  TaskAck out = job.Ack("out", {Epoch{8}, 1}, 0);
  for (TaskAck* ack : {&in, &out}) {
    proto::StepState& step = *ack->checkpoint.add_steps();
    step.set_step("window");
    step.set_closed_up_to_us(ack == &in ? 1 : 2);
  }
  job.Tell(facts::Acked{in}, 1100);
  auto actions = job.Tell(facts::Acked{out}, 1100);
  if (apart) {
    CHECK(Find<actions::WriteManifest>(actions));
    return;
  }
  REQUIRE(Find<actions::Fail>(actions));
  CHECK(Find<actions::Fail>(actions)->status.Is(errors::kBarrierDisagrees));
}

TEST_CASE("a bounded job ends with a last checkpoint, published, then done") {
  CoordinatorHarness job(/*bounded=*/true);
  auto actions = job.Tell(facts::InputEnded{{"in", 0}}, 10);
  const auto* trigger = Find<actions::Trigger>(actions);
  REQUIRE(trigger);  // It does not wait for the interval.
  CHECK(trigger->barrier.last);
  actions = job.AckAll(trigger->barrier.id, 3, 20);
  REQUIRE(Find<actions::WriteManifest>(actions));
  CHECK(Find<actions::WriteManifest>(actions)->manifest.ended());
  actions = job.Tell(Written(8), 30);
  CHECK(Find<actions::Publish>(actions));
  CHECK(Find<actions::Done>(actions) == nullptr);
  actions = job.Tell(facts::Published{{"out", 0}, Epoch{8}}, 40);
  CHECK(Find<actions::Done>(actions));
  CHECK(job.coordinator.done());
}

TEST_CASE("rows still held when all input has ended are lost, and stop the job") {
  CoordinatorHarness job(/*bounded=*/true);
  auto actions = job.Tell(facts::InputEnded{{"in", 0}}, 10);
  const BarrierId id = Find<actions::Trigger>(actions)->barrier.id;
  TaskAck in = job.Ack("in", id, 3);
  in.tallies["in"].held_after = 1;
  job.Tell(facts::Acked{in}, 20);
  actions = job.Tell(facts::Acked{job.Ack("out", id, 3)}, 20);
  REQUIRE(Find<actions::Fail>(actions));
  CHECK(Find<actions::Fail>(actions)->status.Is(errors::kLedger));
}

TEST_CASE("a savepoint is pinned when it is there and copied when it is published") {
  CoordinatorHarness job;
  auto actions = job.Tell(facts::SavepointAsked{}, 10);
  REQUIRE(Find<actions::Trigger>(actions));
  // A dropped try leaves it to the next one.
  job.Tell(facts::AckFailed{{"in", 0}, {Epoch{8}, 1}, Status(errors::kBadRow, "no")}, 20);
  REQUIRE(Find<actions::Trigger>(job.Tell(facts::Tick{}, 1100)));
  actions = job.AckAll({Epoch{8}, 2}, 3, 1200);
  REQUIRE(Find<actions::WriteManifest>(actions));
  CHECK(Find<actions::WriteManifest>(actions)->manifest.savepoint());
  actions = job.Tell(Written(8), 1300);
  REQUIRE(Find<actions::PinSavepoint>(actions));
  CHECK(Find<actions::PinSavepoint>(actions)->number == 8);
  CHECK_FALSE(Find<actions::KeepSavepoint>(actions));
  actions = job.Tell(facts::Published{{"out", 0}, Epoch{8}}, 1400);
  REQUIRE(Find<actions::KeepSavepoint>(actions));
  CHECK(Find<actions::KeepSavepoint>(actions)->number == 8);
  // The next checkpoint is none; and the run is not over before the copy.
  job.Tell(facts::StopAsked{}, 1500);
  REQUIRE(Find<actions::Trigger>(job.Tell(facts::Tick{}, 2200)));
  actions = job.AckAll({Epoch{9}, 1}, 0, 2300);
  REQUIRE(Find<actions::WriteManifest>(actions));
  CHECK_FALSE(Find<actions::WriteManifest>(actions)->manifest.savepoint());
  CHECK_FALSE(Find<actions::Done>(job.Tell(Written(9), 2400)));
  CHECK(Find<actions::Done>(job.Tell(facts::SavepointKept{8}, 2500)));
}

TEST_CASE("a stop is not the end of the input, and no savepoint") {
  CoordinatorHarness job;
  auto actions = job.Tell(facts::StopAsked{}, 10);
  const auto* trigger = Find<actions::Trigger>(actions);
  REQUIRE(trigger);
  CHECK(trigger->barrier.last);
  actions = job.AckAll(trigger->barrier.id, 0, 20);
  const auto* write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  CHECK_FALSE(write->manifest.savepoint());
  CHECK_FALSE(write->manifest.ended());
  CHECK(Find<actions::Done>(job.Tell(Written(8), 30)));
}

namespace {

/// With a dead letter beside the sink.
CoordinatorPlan PlanWithLetters() {
  CoordinatorPlan plan = CoordinatorHarness::MakePlan(false);
  plan.lanes = {{"out", 0}, {"out_dead_letter", 0}};
  return plan;
}

facts::Published PublishedWithLetter(uint64_t epoch) {
  SetAside aside;
  aside.records = 2;
  aside.dead_letter = "out_dead_letter";
  aside.letters.emplace().set_inline_bytes("two letters");
  return {{"out", 0}, Epoch{epoch}, std::move(aside)};
}

const proto::LaneState& LaneIn(const proto::Manifest& manifest, const std::string& sink) {
  for (const proto::LaneState& lane : manifest.lanes()) {
    if (lane.sink() == sink) return lane;
  }
  FAIL("no lane of " << sink);
  return manifest.lanes(0);
}

}  // namespace

TEST_CASE("what is refused when it is published becomes letters of the next manifest") {
  CoordinatorHarness job(PlanWithLetters());
  job.Tell(facts::Tick{}, 1000);
  job.AckAll({Epoch{8}, 1}, 3, 1100);
  job.Tell(Written(8), 1200);
  job.Tell(facts::Tick{}, 2000);
  SECTION("told before the manifest is filled in") {
    job.Tell(PublishedWithLetter(8), 2010);
    auto actions = job.AckAll({Epoch{9}, 1}, 0, 2100);
    const auto* write = Find<actions::WriteManifest>(actions);
    REQUIRE(write);
    CHECK(LaneIn(write->manifest, "out").unpublished_size() == 0);
    const proto::LaneState letters = LaneIn(write->manifest, "out_dead_letter");
    REQUIRE(letters.unpublished_size() == 1);
    CHECK(letters.unpublished(0).epoch() == 9);
    CHECK(letters.unpublished(0).parts(0).inline_bytes() == "two letters");
    CHECK(write->manifest.totals().values().at("out.set_aside") == 2);
    actions = job.Tell(Written(9), 2200);
    const auto* publish = Find<actions::Publish>(actions);
    REQUIRE(publish);
    CHECK(publish->lane == LaneId{"out_dead_letter", 0});
    REQUIRE(publish->letters.size() == 1);
    CHECK(publish->letters[0].inline_bytes() == "two letters");
  }
  SECTION("told while it is being written: their epoch still waits in it, so they come later") {
    auto actions = job.AckAll({Epoch{9}, 1}, 0, 2100);
    CHECK(LaneIn(Find<actions::WriteManifest>(actions)->manifest, "out").unpublished_size() == 1);
    job.Tell(PublishedWithLetter(8), 2150);
    actions = job.Tell(Written(9), 2200);
    CHECK_FALSE(Find<actions::Publish>(actions));
    job.Tell(facts::Tick{}, 3000);
    actions = job.AckAll({Epoch{10}, 1}, 0, 3100);
    CHECK(LaneIn(Find<actions::WriteManifest>(actions)->manifest, "out_dead_letter")
              .unpublished_size() == 1);
  }
}

TEST_CASE("letters of the last checkpoint have a manifest of their own, before the end") {
  CoordinatorHarness job(PlanWithLetters());
  auto actions = job.Tell(facts::StopAsked{}, 10);
  job.AckAll(Find<actions::Trigger>(actions)->barrier.id, 3, 20);
  job.Tell(Written(8), 30);
  actions = job.Tell(PublishedWithLetter(8), 40);
  const auto* write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  CHECK(write->manifest.number() == 9);
  // Under a number that no lane has published.
  CHECK(ContentNumber(write->manifest) == 9);
  CHECK(LaneIn(write->manifest, "out").unpublished_size() == 0);
  CHECK(LaneIn(write->manifest, "out_dead_letter").unpublished(0).epoch() == 9);
  CHECK(write->manifest.totals().values().at("out.set_aside") == 2);

  actions = job.Tell(Written(9), 50);
  const auto* publish = Find<actions::Publish>(actions);
  REQUIRE(publish);
  CHECK(publish->epoch == Epoch{9});
  CHECK(publish->letters.size() == 1);
  CHECK_FALSE(Find<actions::Done>(actions));
  actions = job.Tell(facts::Published{{"out_dead_letter", 0}, Epoch{9}}, 60);
  write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  CHECK(LaneIn(write->manifest, "out_dead_letter").unpublished_size() == 0);
  CHECK(write->manifest.totals().values().at("out.set_aside") == 2);
  CHECK(Find<actions::Done>(job.Tell(Written(10), 70)));
}

TEST_CASE("a stop ends with a manifest that says that all is published") {
  CoordinatorHarness job;
  auto actions = job.Tell(facts::StopAsked{}, 10);
  actions = job.AckAll(Find<actions::Trigger>(actions)->barrier.id, 3, 20);
  REQUIRE(Find<actions::WriteManifest>(actions));
  actions = job.Tell(Written(8), 30);
  REQUIRE(Find<actions::Publish>(actions));
  CHECK_FALSE(Find<actions::Done>(actions));
  actions = job.Tell(facts::Published{{"out", 0}, Epoch{8}}, 40);
  const auto* write = Find<actions::WriteManifest>(actions);
  REQUIRE(write);
  CHECK(actions.size() == 1);
  CHECK(write->manifest.number() == 9);
  CHECK(write->manifest.parent() == 8);
  CHECK(write->manifest.parent_checksum() == "sum 8");
  CHECK(ContentNumber(write->manifest) == 8);
  CHECK_FALSE(write->manifest.savepoint());
  CHECK(write->manifest.lanes(0).unpublished_size() == 0);
  CHECK(write->manifest.published().at("out/0") == 8);
  // It is asked for again until its outcome is known, and whoever is deposed says so.
  CHECK(job.Tell(Written(9, facts::ManifestOutcome::kUnknown), 50).empty());
  CHECK(job.coordinator.NextDeadline() == Ms(1050));
  CHECK(Find<actions::WriteManifest>(job.Tell(facts::Tick{}, 1050)));
  SECTION("committed") {
    actions = job.Tell(Written(9), 1060);
    CHECK(actions.size() == 1);
    CHECK(Find<actions::Done>(actions));
    CHECK(job.coordinator.progress().number == 9);
  }
  SECTION("another has written it") {
    actions = job.Tell(Written(9, facts::ManifestOutcome::kOther), 1060);
    CHECK(Find<actions::Fail>(actions)->status.Is(errors::kDeposed));
  }
}

TEST_CASE("a node that rejects too much stops the job, and what was done up to there is out") {
  CoordinatorPlan plan = CoordinatorHarness::MakePlan(false);
  plan.rejection_limits["in"] = {"in", 0.1, false};
  CoordinatorHarness job(std::move(plan));
  job.Tell(facts::Tick{}, 1000);
  TaskAck ack = job.Ack("in", {Epoch{8}, 1}, 800);
  ack.tallies["in"].counts.in += 200;
  ack.tallies["in"].counts.rejected = 200;
  ack.tallies["in"].rejected["WEIR-F002"] = {200, "n: expected int64"};
  job.Tell(facts::Acked{ack}, 1010);
  REQUIRE(Find<actions::WriteManifest>(
      job.Tell(facts::Acked{job.Ack("out", {Epoch{8}, 1}, 800)}, 1020)));
  auto actions = job.Tell(Written(8), 1030);
  CHECK(Find<actions::Publish>(actions));
  CHECK(Find<actions::Committed>(actions));
  CHECK_FALSE(Find<actions::Fail>(actions));
  const auto* trigger = Find<actions::Trigger>(actions);
  REQUIRE(trigger);
  CHECK(trigger->barrier.last);
  job.Tell(facts::Published{{"out", 0}, Epoch{8}}, 1040);
  REQUIRE(Find<actions::WriteManifest>(job.AckAll({Epoch{9}, 1}, 0, 1050)));
  actions = job.Tell(Written(9), 1060);
  const auto* fail = Find<actions::Fail>(actions);
  REQUIRE(fail);
  CHECK(fail->status.Is(errors::kTooManyRejected));
  CHECK(fail->status.message().find("WEIR-F002 (200 times): n: expected int64") !=
        std::string::npos);
  CHECK_FALSE(Find<actions::Done>(actions));
  CHECK(job.coordinator.done());
}

TEST_CASE("a stop while a checkpoint is under way waits for it, then takes its own") {
  CoordinatorHarness job;
  job.Tell(facts::Tick{}, 1000);
  CHECK(job.Tell(facts::StopAsked{}, 1050).empty());
  job.AckAll({Epoch{8}, 1}, 3, 1100);
  auto actions = job.Tell(Written(8), 1200);
  REQUIRE(Find<actions::Trigger>(actions));
  CHECK(Find<actions::Trigger>(actions)->barrier.last);
  CHECK(Find<actions::Trigger>(actions)->barrier.id.epoch == Epoch{9});
}

TEST_CASE("a large outbox asks for a checkpoint at once") {
  CoordinatorHarness job;
  CHECK(Find<actions::Trigger>(job.Tell(facts::CheckpointAsked{}, 10)));
}

}  // namespace
}  // namespace weir
