#include "daemon/manager/embedded_store.h"

#include <filesystem>
#include <future>

#include "daemon/manager/errors.h"
#include "daemon/manager/record_form.h"
#include "state/files.h"
#include "state/testing.h"

namespace weir::manager {
namespace {

using weir::testing::Check;
using weir::testing::TemporaryFolder;

struct Deaf final : LeadershipListener {
  void OnRenewed(Duration) override {}
  void OnLost(const std::string&) override {}
};
Deaf deaf;

/// A record with every field set.
JobRecord Full(const std::string& name) {
  JobRecord job;
  job.name = name;
  job.instance = "instance";
  job.state = JobState::kStopping;
  job.text = {3, std::make_shared<std::string>("job: " + name)};
  job.policy = {Duration::Millis(1),
                Duration::Millis(2),
                7,
                AutoscaleBounds{2, 9, 0.5, 1000.0, Duration::Seconds(7), Duration::Seconds(8)},
                {"out", "late"}};
  job.parallelism = 4;
  job.store = "store";
  job.choices = {true, true, true, "/kept/7", {"step"}};
  job.attempts = 12;
  job.attempt = AttemptRecord{{5, 12}, {{{"w1", "i1", "a1"}, {"w2", "i2", "a2"}}, {0, 1, 1, 0}}};
  job.previous_workers = {"w1", "w2", "w2", "w1"};
  job.highest_lane = {{"late", 1}, {"out", 3}};
  NextStep next;
  next.purpose = NextStep::Purpose::kUpgrade;
  next.drain = true;
  next.parallelism = 6;
  next.text = {4, std::make_shared<std::string>("new")};
  next.drop_state = {"other"};
  job.next = next;
  job.failures_in_row = 2;
  job.failure = Failure{"WEIR-K001", ErrorKind::kGaveUp, "text", "cure"};
  job.savepoint = 77;
  job.note = "note";
  job.created_at = {10};
  job.changed_at = {11};
  job.restarts = 5;
  job.downtime = Duration::Seconds(3);
  job.history = {{{1}, {4, 11}, "reason", {9}}};
  return job;
}

Status Put(EmbeddedStore& store, uint64_t term, std::vector<JobRecord> jobs,
           std::vector<WorkerRecord> workers = {}) {
  std::promise<Status> done;
  store.Put(term, std::move(jobs), std::move(workers),
            [&](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

TEST_CASE("records come back as they were put, under a greater term each time") {
  const TemporaryFolder folder;
  {
    const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
    CHECK(Check(store->Lead(deaf)).term == 1);
    Check(Put(*store, 1, {Full("clicks"), Full("users")}, {{"w1", true}, {"w2", true}}));
    Check(Put(*store, 1, {}, {{"w2", false}}));
    CHECK(EmbeddedStore::Open(folder / "jobs").status().code().id == "WEIR-S005");
  }
  const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
  const Leadership leadership = Check(store->Lead(deaf));
  CHECK(leadership.term == 2);
  CHECK(leadership.lease_until == Duration::Max());
  const StoredRecords records = Check(store->Load());
  REQUIRE(records.jobs.size() == 2);
  CHECK(EncodeJob(records.jobs[0]) == EncodeJob(Full("clicks")));
  CHECK(records.jobs[0].attempt == Full("clicks").attempt);
  CHECK(*records.jobs[1].text.yaml == "job: users");
  CHECK(*records.jobs[1].next->text.yaml == "new");
  REQUIRE(records.workers.size() == 1);
  CHECK(records.workers[0].id == "w1");
}

TEST_CASE("a write of an earlier term is refused and changes nothing") {
  const TemporaryFolder folder;
  const auto store = Check(EmbeddedStore::Open(folder.path()));
  Check(store->Lead(deaf));
  CHECK(Check(store->Lead(deaf)).term == 2);
  CHECK(Put(*store, 1, {Full("clicks")}).Is(errors::kOldTerm));
  Check(Put(*store, 2, {}, {{"w1", true}}));
  const auto other = KeyValueStore::Open(folder.path());
  CHECK_FALSE(other.ok());
}

TEST_CASE("a text is written once, by what it says and not by its version alone") {
  const TemporaryFolder folder;
  {
    const auto store = Check(EmbeddedStore::Open(folder.path()));
    Check(store->Lead(deaf));
    JobRecord job = Full("clicks");
    Check(Put(*store, 1, {job}));
    // The upgrade was given up, and another one begun under the same number.
    job.next->text.yaml = std::make_shared<std::string>("another");
    Check(Put(*store, 1, {job}));
  }
  {
    const auto store = Check(EmbeddedStore::Open(folder.path()));
    Check(store->Lead(deaf));
    JobRecord job = Check(store->Load()).jobs[0];
    CHECK(*job.next->text.yaml == "another");
    job.text = job.next->text;
    job.next.reset();
    job.state = JobState::kStopped;
    job.attempt.reset();
    Check(Put(*store, 2, {job}));
  }
  const auto store = Check(KeyValueStore::Open(folder.path()));
  const auto texts = Check(store->Scan("text/"));
  REQUIRE(texts.size() == 1);
  CHECK(texts[0] == KeyValueStore::Entry{"text/clicks/4", "another"});
}

TEST_CASE("of a removed job nothing is kept but what another of its name needs") {
  const TemporaryFolder folder;
  JobRecord job = Full("clicks");
  {
    const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
    Check(store->Lead(deaf));
    Check(Put(*store, 1, {job, Full("users")}));
    job.removed = true;
    Check(Put(*store, 1, {job}));
    // As after a write of which it was not known whether it got through.
    Check(Put(*store, 1, {job}));
  }
  {
    const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
    Check(store->Lead(deaf));
    const StoredRecords records = Check(store->Load());
    REQUIRE(records.jobs.size() == 1);
    CHECK(records.jobs[0].name == "users");
    REQUIRE(records.retired.size() == 1);
    CHECK(records.retired[0] ==
          RetiredJob{"clicks", "instance", 12, {{"late", 1}, {"out", 3}}, true});
    // Another one of the name.
    Check(Put(*store, 2, {Full("clicks")}));
  }
  {
    const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
    Check(store->Lead(deaf));
    CHECK(EncodeJob(Check(store->Load()).jobs[0]) == EncodeJob(Full("clicks")));
  }
  const auto store = Check(KeyValueStore::Open(folder / "jobs"));
  CHECK(Check(store->Scan("text/clicks")).size() == 2);
}

TEST_CASE("records come back from a backup; damaged ones are refused") {
  const TemporaryFolder folder;
  {
    const auto store = Check(EmbeddedStore::Open(folder / "jobs"));
    Check(store->Lead(deaf));
    Check(Put(*store, 1, {Full("clicks")}));
    JobRecord gone = Full("gone");
    gone.removed = true;
    Check(Put(*store, 1, {gone}));
    Check(files::Replace(errors::kJobStoreDamaged, folder / "backup", Check(store->Backup())));
  }
  Check(EmbeddedStore::Restore(folder / "backup", folder / "other"));
  {
    const auto store = Check(EmbeddedStore::Open(folder / "other"));
    // Above whatever the manager that is lost has done since.
    CHECK(Check(store->Lead(deaf)).term == 1'000'002);
    const StoredRecords records = Check(store->Load());
    REQUIRE(records.jobs.size() == 1);
    CHECK(records.jobs[0].attempts == 1'000'012);
    CHECK(records.jobs[0].attempt->id == AttemptId{5, 12});  // It may run on.
    REQUIRE(records.retired.size() == 1);
    CHECK(records.retired[0].attempts == 1'000'012);
  }
  const auto break_it = [&](KeyValueStore::Change change) {
    std::filesystem::remove_all(folder / "broken");
    Check(EmbeddedStore::Restore(folder / "backup", folder / "broken"));
    {
      const auto store = Check(KeyValueStore::Open(folder / "broken"));
      const std::vector<KeyValueStore::Change> changes = {std::move(change)};
      Check(store->Write(changes));
    }
    const auto store = Check(EmbeddedStore::Open(folder / "broken"));
    const auto led = store->Lead(deaf);
    return led.ok() ? store->Load().status() : led.status();
  };
  JobRecord job = Full("clicks");
  job.next.reset();
  CHECK(break_it({"text/clicks/3", std::nullopt}).Is(errors::kJobStoreDamaged));
  CHECK(break_it({"job/clicks", "\xff"}).Is(errors::kJobStoreDamaged));
  CHECK(break_it({"job/clicks", EncodeJob(job)}).Is(errors::kJobStoreDamaged));
  CHECK(break_it({"term", "x"}).Is(errors::kJobStoreDamaged));
  job.state = JobState::kWaiting;
  CHECK(DecodeJob(EncodeJob(job)).status().Is(errors::kJobStoreDamaged));
}

}  // namespace
}  // namespace weir::manager
