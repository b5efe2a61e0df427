#include "daemon/worker/errands.h"

#include <future>

#include <nlohmann/json.hpp>

#include "daemon/rpc/wire.h"
#include "daemon/worker/errors.h"
#include "engine/errors.h"
#include "state/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using manager::Errand;
using testing::Check;
using testing::TemporaryFolder;
using Json = nlohmann::ordered_json;

/// A worker's errands over a store with one checkpoint of attempt 3, and what they answer.
struct Worker {
  Worker() {
    services.id = "w1";
    services.clock = &SystemClock();
    services.registry = &registry;
    services.open_store = [this](const std::string& job, StoreUse use) {
      used = use;
      return CheckpointStore::Open(StoreLocation::Directory(folder.path()), job, folder / "local",
                                   use);
    };
    const auto store = Check(CheckpointStore::Open(folder.path(), "clicks"));
    proto::Manifest manifest;
    manifest.set_number(1);
    manifest.set_job("clicks");
    manifest.set_instance("instance");
    manifest.set_attempt(3);
    proto::LaneState& lane = *manifest.add_lanes();
    lane.set_sink("out");
    lane.add_unpublished()->add_parts()->set_rows(5);
    *lane.mutable_unpublished(0)->mutable_parts(0)->mutable_file() =
        Check(store->PutBytes("f-1", "five rows", "outbox"));
    (void)Check(store->CommitManifest(manifest));
  }
  /// What came of it.
  proto::ErrandDone Do(Errand errand, uint64_t attempt = 4, std::string instance = "instance",
                       Duration limit = Duration::Seconds(60)) {
    std::promise<proto::ErrandDone> answered;
    Errands errands(services, [&](proto::ErrandDone done) { answered.set_value(std::move(done)); });
    errands.Take({{2, 7}, "clicks", errand, limit, {2, attempt}, std::move(instance)});
    return answered.get_future().get();
  }
  Json Told(const proto::ErrandDone& done) {
    CHECK(done.error().code() == "");
    CHECK(done.term() == 2);
    CHECK(done.number() == 7);
    return Json::parse(done.told());
  }

  const TemporaryFolder folder;
  AttemptRegistry registry;
  WorkerServices services;
  std::optional<StoreUse> used;
};

TEST_CASE("a worker looks at checkpoints for its manager") {
  Worker worker;
  const Json list = worker.Told(worker.Do({Errand::Kind::kListCheckpoints, 0, false, "", false}));
  CHECK(list["checkpoints"].size() == 1);
  CHECK(worker.used == StoreUse::kLook);
  const Json waiting = worker.Told(worker.Do({Errand::Kind::kListWaiting, 0, false, "", false}));
  CHECK(waiting["waiting"][0]["rows"] == 5);
  const Errand verify{Errand::Kind::kVerify, 0, false, "", false};
  CHECK(worker.Told(worker.Do(verify))["ok"] == true);
  std::filesystem::resize_file(worker.folder / "clicks/files/f-1", 3);
  const Json damaged = worker.Told(worker.Do(verify));
  CHECK(damaged["ok"] == false);
  CHECK(damaged["checkpoints"][0]["faults"].size() == 1);
  const auto none = worker.Do({Errand::Kind::kVerify, 9, false, "", false});
  CHECK(FromProto(none.error()).Is(errors::kNoCheckpoint));
}

TEST_CASE("a worker that takes too long gives up") {
  Worker worker;
  const auto done =
      worker.Do({Errand::Kind::kVerify, 0, false, "", false}, 4, "instance", Duration{0});
  CHECK(FromProto(done.error()).Is(errors::kErrandTooLong));
}

TEST_CASE("a worker writes a user's word as its manager has numbered it") {
  Worker worker;
  const Errand drop{Errand::Kind::kResolve, 0, false, "out", true};
  const auto newest = [&] {
    return Check(Check(CheckpointStore::Open(worker.folder.path(), "clicks"))->Newest())->manifest;
  };
  SECTION("written") {
    CHECK(worker.Told(worker.Do(drop))["rows"] == 5);
    CHECK(worker.used == StoreUse::kRun);
    CHECK(newest().number() == 2);
    CHECK(newest().attempt() == 4);
    CHECK(newest().term() == 2);
    // What is left of an older attempt here may not go on.
    CHECK_FALSE(
        worker.registry.Enter("clicks", {2, 3}, Duration{0}, [](Status, const std::string&) {})
            .ok());
  }
  SECTION("too late") {
    CHECK(FromProto(worker.Do(drop, 3).error()).Is(errors::kDeposed));
    CHECK(newest().number() == 1);
  }
  SECTION("of another instance") {
    CHECK(FromProto(worker.Do(drop, 4, "another").error()).Is(errors::kForeignCheckpoints));
    CHECK(newest().number() == 1);
  }
}

TEST_CASE("errands that wait when a worker ends are answered") {
  Worker worker;
  std::promise<void> ending;
  std::shared_future<void> ends = ending.get_future().share();
  worker.services.open_store = [&](const std::string&, StoreUse) {
    ends.wait();
    return Result<std::unique_ptr<CheckpointStore>>(Status(errors::kStoreUnavailable, "away"));
  };
  std::atomic<int> answers = 0;
  std::atomic<int> refused = 0;
  {
    Errands errands(worker.services, [&](const proto::ErrandDone& done) {
      answers++;
      if (FromProto(done.error()).Is(errors::kErrandNotTaken)) refused++;
    });
    for (uint64_t n = 0; n < 30; n++) errands.Take({{1, n}, "clicks", {}, {}, {}, {}});
    // Four are under way and sixteen wait at most.
    CHECK(refused >= 10);
    ending.set_value();
  }
  CHECK(answers == 30);
}

}  // namespace
}  // namespace weir
