#include "daemon/manager/core.h"

#include "daemon/manager/errors.h"
#include "daemon/manager/states/state.h"
#include "daemon/manager/testing/harness.h"
#include "engine/errors.h"

namespace weir::manager {
namespace {

using testing::All;
using testing::CoreHarness;
using testing::Told;

/// A leader with two workers of two slots each.
struct TwoWorkers : CoreHarness {
  explicit TwoWorkers(CoreOptions options = Options()) : CoreHarness(std::move(options)) {
    Elect();
    Open("w1");
    Open("w2");
  }
  /// `job` runs.
  void Start(const std::string& job, uint32_t parallelism = 2) {
    REQUIRE(ReplyOf(Ask(Submit(job, parallelism))).ok());
    Runs(job);
    REQUIRE(State(job) == "running");
  }
};

TEST_CASE("an attempt is deployed, and a user answered, only once the record is durable") {
  TwoWorkers m;
  m.hold_stores = true;
  auto said = m.Ask(m.Submit("clicks"));
  CHECK(All<actions::Reply>(said).empty());
  CHECK(Told<tell::RunAttempt>(said).empty());
  REQUIRE(m.held.size() == 1);
  const JobRecord written = m.held[0].jobs[0];
  CHECK(written.attempt->id == AttemptId{1, 1});
  CHECK(written.highest_lane == std::map<std::string, uint32_t>{{"out", 1}});
  CHECK(Told<tell::RunAttempt>(m.Pass(100)).empty());

  said = m.ReleaseStores();
  CHECK(m.ReplyOf(said).ok());
  const auto run = Told<tell::RunAttempt>(said);
  REQUIRE(run.size() == 1);
  CHECK(run[0].attempt == AttemptId{1, 1});
  CHECK(run[0].placement == written.attempt->placement);
  CHECK(run[0].highest_lane == written.highest_lane);
  CHECK(m.Hosts("clicks") == "w1 w2");
  CHECK(m.State("clicks") == "starting");
  m.Runs("clicks");
  CHECK(m.State("clicks") == "running");
}

TEST_CASE("a write that failed is written again") {
  TwoWorkers m;
  m.hold_stores = true;
  m.Ask(m.Submit("clicks"));
  REQUIRE(m.held.size() == 1);
  m.Do(facts::StoreFailed{m.held[0].write, Status(errors::kJobStoreDamaged, "disk full")});
  CHECK(m.Pass(900).empty());
  CHECK(m.held.size() == 1);
  m.Pass(200);
  REQUIRE(m.held.size() == 2);
  m.held.erase(m.held.begin());
  CHECK(Told<tell::RunAttempt>(m.ReleaseStores()).size() == 1);
}

TEST_CASE(
    "a bounded job ends; the rest of its workers are told, the lead only once it is durable") {
  TwoWorkers m;
  m.Start("clicks");
  m.hold_stores = true;
  auto said = m.End("clicks", m.Done());
  CHECK(m.State("clicks") == "ended");
  CHECK(Told<tell::CancelAttempt>(said).size() == 1);  // w2
  m.standings["w1"].leads = {{"clicks", {1, 1}, AttemptPhase::kStopping, m.Done()}};
  CHECK(Told<tell::CancelAttempt>(m.Pass(500)).empty());
  m.ReleaseStores();
  CHECK(Told<tell::CancelAttempt>(m.Pass(500)).size() == 1);
  CHECK(m.ReplyOf(m.Ask(commands::Stop{"clicks"})).Is(errors::kWrongState));
  CHECK(m.ReplyOf(m.Ask(commands::Restart{"clicks", {}, "x"})).Is(errors::kWrongState));
}

TEST_CASE("a broken session may come back in time") {
  TwoWorkers m;
  m.Start("clicks");
  m.Pass(10'000);
  m.Break("w2");
  m.Pass(200);
  m.Open("w2");
  m.Pass(1000);
  CHECK(m.State("clicks") == "running");
  CHECK(m.Record("clicks").attempts == 1);

  m.Open("w3", 2);
  m.Break("w2");
  m.Forget("clicks");
  const auto said = m.Pass(300);
  // Its index goes elsewhere, the other one stays.
  CHECK(m.State("clicks") == "starting");
  CHECK(m.Hosts("clicks") == "w1 w3");
  REQUIRE(Told<tell::CancelAttempt>(said).size() == 1);
  CHECK(Told<tell::CancelAttempt>(said)[0].attempt == AttemptId{1, 1});
  REQUIRE(Told<tell::RunAttempt>(said).size() == 1);
  CHECK(Told<tell::RunAttempt>(said)[0].attempt == AttemptId{1, 2});
  m.Pass(400);
  m.Runs("clicks");
  REQUIRE(m.Record("clicks").history.size() == 1);
  CHECK(m.Record("clicks").history[0].downtime.us > 300'000);
  CHECK(m.Record("clicks").history[0].downtime.us < 500'000);
}

TEST_CASE("a silent worker is lost after the timeout, and its session closed") {
  TwoWorkers m;
  m.Start("clicks");
  m.Pass(10'000);
  m.alive.erase("w2");
  CHECK(All<actions::CloseSession>(m.Pass(4'900)).empty());
  CHECK(m.State("clicks") == "running");
  CHECK(All<actions::CloseSession>(m.Pass(300)).size() == 1);
  CHECK(m.Hosts("clicks") == "w1 w1");
}

TEST_CASE("a worker that was started anew has lost its tasks at once") {
  TwoWorkers m;
  m.Start("clicks");
  m.Break("w2");
  m.Open("w2", 2, "b");
  CHECK(m.State("clicks") == "starting");
  CHECK(m.Record("clicks").attempts == 2);
  CHECK(m.Record("clicks").attempt->placement.Find("w2")->incarnation == "b");
}

TEST_CASE("a second process with a worker's id is refused while the first has its session") {
  TwoWorkers m;
  m.Start("clicks");
  const auto said = m.Open("w2", 2, "b");
  REQUIRE(Told<tell::Refuse>(said).size() == 1);
  CHECK(Told<tell::Refuse>(said)[0].reason.Is(errors::kWorkerIdTaken));
  CHECK(m.State("clicks") == "running");
}

TEST_CASE("a worker of another version is refused with both") {
  CoreHarness m;
  m.Elect();
  WorkerHello hello;
  hello.id = "w1";
  hello.incarnation = "a";
  hello.slots = 1;
  hello.version = "2";
  const auto said = m.Open(hello);
  REQUIRE(Told<tell::Refuse>(said).size() == 1);
  CHECK(Told<tell::Refuse>(said)[0].reason.message() ==
        "worker w1 is weir 2, this manager is weir 1");
  CHECK(m.core.cluster().Find("w1") == nullptr);
}

TEST_CASE("a new manager adopts what runs, and cancels what it does not know") {
  TwoWorkers m;
  m.Start("clicks");
  m.Start("users", 1);
  m.standings["w2"].leads.push_back({"gone", {1, 9}, AttemptPhase::kRunning, {}});
  m.standings["w2"].hosts.push_back({"users", {1, 0}});
  m.alive.clear();
  m.Elect(2, m.Records());
  CHECK(m.Pass(4'000).empty());
  CHECK(Told<tell::CancelAttempt>(m.Open("w1")).empty());
  const auto cancelled = Told<tell::CancelAttempt>(m.Open("w2"));
  REQUIRE(cancelled.size() == 2);
  CHECK(cancelled[0].job == "gone");
  CHECK(cancelled[1].job == "users");
  m.standings["w2"].leads.clear();
  m.standings["w2"].hosts.clear();
  m.Pass(20'000);
  CHECK(m.State("clicks") == "running");
  CHECK(m.Record("clicks").attempt->id == AttemptId{1, 1});
  CHECK(m.Record("users").attempts == 1);
  // Its next attempt is of the new term, and the number goes on.
  m.Break("w1");
  m.Pass(300);
  CHECK(m.Record("clicks").attempt->id == AttemptId{2, 2});
}

TEST_CASE("a new manager loses nobody before the timeout, but by what it says itself") {
  TwoWorkers m;
  m.Start("clicks");
  m.alive.clear();
  m.Elect(2, m.Records());
  m.Open("w1");
  m.Break("w1");
  m.Pass(4'900);
  CHECK(m.State("clicks") == "running");
  m.Pass(200);
  CHECK(m.State("clicks") == "waiting");
  CHECK(m.Why("clicks") ==
        "waiting for 2 more worker slots: 2 needed, 0 free; worker w1 is away since 5 s; worker w2 "
        "is away since 5 s");

  m.Elect(3, m.Records());
  CHECK(m.State("clicks") == "waiting");
  m.standings.clear();
  m.Open("w1");
  m.Pass(200);
  REQUIRE(m.Hosts("clicks") == "w1 w1");
  m.Runs("clicks");
  m.alive.clear();
  m.Elect(4, m.Records());
  m.standings["w1"] = {};
  m.Open("w1");  // It knows nothing of the attempt.
  CHECK(m.Record("clicks").attempts == 3);
}

TEST_CASE("a deposed manager does nothing") {
  TwoWorkers m;
  m.Start("clicks");
  SECTION("it is told so") { m.Do(facts::Deposed{"etcd says so"}); }
  SECTION("a worker has seen a higher term") {
    WorkerHello hello;
    hello.id = "w9";
    hello.incarnation = "a";
    hello.version = "1";
    hello.slots = 1;
    hello.highest_term = 2;
    CHECK(m.Open(hello).empty());
  }
  CHECK_FALSE(m.core.leading());
  CHECK(m.Do(facts::SessionBroken{m.alive["w1"]}).empty());
  CHECK(m.Ask(commands::Cancel{"clicks"}).empty());
  CHECK(m.Pass(10'000).empty());
}

TEST_CASE("a worker that comes before the manager leads is to come again") {
  CoreHarness m;
  CHECK(All<actions::CloseSession>(m.Open("w1")).size() == 1);
}

TEST_CASE("a lease holds until its end less a margin") {
  CoreHarness m;
  facts::Elected elected;
  elected.term = 1;
  elected.lease_until = Duration::Millis(4'000);
  m.Do(elected);
  m.Open("w1");
  m.now_ms = 3'400;
  m.Do(facts::Tick{});
  CHECK(m.core.leading());
  m.Do(facts::LeaseRenewed{Duration::Millis(6'000)});
  m.now_ms = 5'490;
  m.Do(facts::Tick{});
  CHECK(m.core.leading());
  m.now_ms = 5'500;
  CHECK(m.Ask(m.Submit("clicks", 1)).empty());
  CHECK_FALSE(m.core.leading());
  // A renewal that comes late changes nothing.
  m.Do(facts::LeaseRenewed{Duration::Millis(9'000)});
  CHECK_FALSE(m.core.leading());
}

TEST_CASE("failures that may pass are waited out, longer each time") {
  TwoWorkers m;
  m.Start("clicks");
  m.Start("users", 1);
  std::vector<int64_t> waits;
  for (int i = 0; i < 10; i++) {
    m.End("clicks", m.Fails());
    REQUIRE(m.State("clicks") == "waiting");
    const int64_t began = m.now_ms;
    while (m.State("clicks") == "waiting") m.Pass(10);
    waits.push_back(m.now_ms - began);
  }
  CHECK(waits == std::vector<int64_t>{200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000});
  m.End("clicks", m.Fails());
  CHECK(m.Why("clicks") ==
        "waiting for 30 s before attempt 12, after 11 failed in a row: WEIR-K001: the broker is "
        "away. start it");
  CHECK(m.State("users") == "running");
  CHECK(m.Record("users").attempts == 1);
  // A new manager goes on with the series.
  m.alive.clear();
  m.Elect(2, m.Records());
  m.Open("w1");
  m.Open("w2");
  CHECK(m.State("clicks") == "waiting");
  m.Pass(30'010);
  m.Runs("clicks");
  AttemptReport report;
  report.phase = AttemptPhase::kRunning;
  report.checkpoints_completed = 1;
  m.Report("clicks", report);
  CHECK(m.Record("clicks").failures_in_row == 0);
  m.End("clicks", m.Fails());
  m.Pass(210);
  CHECK(m.State("clicks") == "starting");
}

TEST_CASE("a crash loop is told with its reason") {
  TwoWorkers m;
  auto submit = m.Submit("clicks");
  submit.policy.restart_attempts = 2;
  m.Ask(submit);
  for (int i = 0; i < 2; i++) {
    m.End("clicks", m.Fails());
    m.Pass(500);
    REQUIRE(m.State("clicks") == "starting");
  }
  m.End("clicks", m.Fails());
  CHECK(m.State("clicks") == "failed");
  CHECK(
      m.Why("clicks").starts_with("WEIR-E015: failed 3 times in a row, the last time: WEIR-K001"));
  CHECK(m.ReplyOf(m.Ask(commands::Restart{"clicks", {}, "x"})).ok());
  CHECK(m.State("clicks") == "starting");
  CHECK(m.Record("clicks").failures_in_row == 0);
}

TEST_CASE("what does not pass by itself ends the job, a decision asks the user") {
  TwoWorkers m;
  m.Start("clicks", 1);
  m.Start("users", 1);
  m.End("clicks", m.Fails(ErrorKind::kFailed));
  CHECK(m.State("clicks") == "failed");
  m.End("users", m.Fails(ErrorKind::kDecision));
  CHECK(m.State("users") == "needs decision");
  commands::Restart restart{"users", {}, "x"};
  restart.choices.take_over = true;
  const auto said = m.Ask(restart);
  REQUIRE(Told<tell::RunAttempt>(said).size() == 1);
  CHECK(Told<tell::RunAttempt>(said)[0].choices.take_over);
  // It holds until an attempt has begun with it.
  m.End("users", m.Fails());
  m.Pass(500);
  CHECK(m.Record("users").choices.take_over);
  m.Runs("users");
  CHECK_FALSE(m.Record("users").choices.take_over);
  // Its own manifest was taken by one that has not noticed yet that it is over.
  AttemptOutcome deposed = m.Fails();
  deposed.failure.code = errors::kDeposed.id;
  deposed.failure.kind = ErrorKind::kFailed;
  m.End("users", deposed);
  CHECK(m.State("users") == "waiting");
}

TEST_CASE("stop takes a last checkpoint; a job between attempts stops at once") {
  TwoWorkers m;
  m.Start("clicks");
  auto said = m.Ask(commands::Stop{"clicks"});
  CHECK(m.ReplyOf(said).ok());
  REQUIRE(Told<tell::StopAttempt>(said).size() == 1);
  CHECK(m.State("clicks") == "stopping");
  // It may not have heard: it is told again.
  CHECK(Told<tell::StopAttempt>(m.Pass(3'000)).size() >= 2);
  m.End("clicks", m.Stopped(7));
  CHECK(m.State("clicks") == "stopped");
  CHECK(m.Why("clicks") == "stopped with checkpoint 7");
  CHECK(m.Pass(10'000).empty());

  m.Ask(m.Submit("clicks"));
  m.End("clicks", m.Fails());
  m.Ask(commands::Stop{"clicks"});
  CHECK(m.State("clicks") == "stopped");
  CHECK(m.Why("clicks").starts_with("it was stopped between two attempts"));
}

TEST_CASE("a stop outlives the attempt that it was asked of") {
  TwoWorkers m;
  m.Start("clicks");
  m.Ask(commands::Stop{"clicks"});
  m.Break("w1");
  m.Pass(5'300);
  CHECK(m.State("clicks") == "starting");
  const auto said = m.Runs("clicks");
  CHECK(m.State("clicks") == "stopping");
  CHECK(Told<tell::StopAttempt>(said).size() == 1);
  // Also a manager's change.
  m.Phase("clicks", AttemptPhase::kRunning);
  m.alive.clear();
  m.Elect(2, m.Records());
  CHECK(Told<tell::StopAttempt>(m.Open("w2")).size() == 1);
  m.End("clicks", m.Stopped(9));
  CHECK(m.State("clicks") == "stopped");
}

TEST_CASE("cancel ends a job at once, and once it is durable") {
  TwoWorkers m;
  m.Start("clicks");
  m.hold_stores = true;
  auto said = m.Ask(commands::Cancel{"clicks"});
  CHECK(Told<tell::CancelAttempt>(said).empty());
  said = m.ReleaseStores();
  CHECK(m.ReplyOf(said).ok());
  CHECK(Told<tell::CancelAttempt>(said).size() == 2);
  CHECK(m.State("clicks") == "cancelled");
  // Both of them come back with what they have not heard of.
  CHECK(Told<tell::CancelAttempt>(m.Pass(500)).size() == 1);
  m.standings["w2"].hosts = {{"clicks", {1, 1}}};
  CHECK(Told<tell::CancelAttempt>(m.Open("w2")).size() == 1);
}

TEST_CASE("a rescale that does not fit is refused with numbers before anything stops") {
  TwoWorkers m;
  m.Start("clicks");
  auto said = m.Ask(commands::Rescale{"clicks", 5});
  const Status status = m.ReplyOf(said);
  CHECK(status.Is(errors::kTooFewSlots));
  CHECK(
      status.message() ==
      "job clicks would need 5 worker slots, and there are 4 for it: 2 workers are here with 2 of "
      "4 slots free");
  CHECK(Told<tell::StopAttempt>(said).empty());
  CHECK(m.State("clicks") == "running");

  said = m.Ask(commands::Rescale{"clicks", 4});
  CHECK(m.ReplyOf(said).ok());
  CHECK(m.State("clicks") == "stopping");
  // Its room is kept for it.
  m.Ask(m.Submit("users", 1));
  CHECK(m.Why("users") == "waiting for 1 more worker slot: 1 needed, 0 free");
  CHECK(m.ReplyOf(m.Ask(commands::Upgrade{"clicks", std::make_shared<std::string>("x"), 1, {}, {}}))
            .Is(errors::kChangeUnderWay));
  m.End("clicks", m.Stopped(3));
  CHECK(m.Hosts("clicks") == "w1 w2 w1 w2");
  CHECK(m.Record("clicks").highest_lane.at("out") == 1);
  CHECK(m.Record("clicks").history.back().reason == "rescaled from 2 to 4");
  m.Runs("clicks");
  m.Ask(commands::Rescale{"clicks", 1});
  m.End("clicks", m.Stopped(4));
  CHECK(m.Hosts("clicks") == "w1");
  CHECK(m.Record("clicks").highest_lane.at("out") == 1);  // Never lowered.
  CHECK(m.State("users") == "starting");
}

TEST_CASE("an upgrade publishes by the old text first") {
  TwoWorkers m;
  m.Start("clicks");
  commands::Upgrade upgrade{"clicks", std::make_shared<std::string>("new"), 3, {}, {"old step"}};
  upgrade.policy.sinks = {"out", "more"};
  CHECK(m.ReplyOf(m.Ask(upgrade)).ok());
  // The attempt is lost before its savepoint: the old text runs once more.
  m.Open("w3");
  m.Break("w1");
  auto said = m.Pass(5'300);
  REQUIRE(Told<tell::RunAttempt>(said).size() == 1);
  CHECK(*Told<tell::RunAttempt>(said)[0].text.yaml == "job: clicks");
  said = m.Runs("clicks");
  CHECK(Told<tell::StopAttempt>(said).size() == 1);
  said = m.End("clicks", m.Stopped(5));
  REQUIRE(Told<tell::RunAttempt>(said).size() == 1);
  const auto run = Told<tell::RunAttempt>(said)[0];
  CHECK(*run.text.yaml == "new");
  CHECK(run.text.version == 2);
  CHECK(run.parallelism == 3);
  CHECK(run.choices.drop_state == std::vector<std::string>{"old step"});
  CHECK(run.highest_lane.contains("more"));
}

TEST_CASE("a drained worker's jobs move, as far as there is room") {
  TwoWorkers m;
  m.Start("clicks", 1);
  m.Start("users", 2);
  REQUIRE(m.Hosts("clicks") == "w1");
  REQUIRE(m.Hosts("users") == "w2 w1");
  CHECK(m.ReplyOf(m.Ask(commands::Drain{"w7"})).Is(errors::kNoSuchWorker));
  auto said = m.Ask(commands::Drain{"w1"});
  CHECK(m.ReplyOf(said).ok());
  CHECK(m.stored_workers.at("w1").draining);
  CHECK(m.State("clicks") == "stopping");
  CHECK(m.State("users") == "running");
  m.End("clicks", m.Stopped(2));
  CHECK(m.Hosts("clicks") == "w2");
  m.Runs("clicks");
  CHECK(m.core.DescribeWorker("w1", m.Time().monotonic) ==
        "draining; it still has tasks of users (needs 1 more slots elsewhere)");
  said = m.Open("w3");
  CHECK(m.State("users") == "stopping");
  said = m.End("users", m.Stopped(4));
  CHECK(m.Hosts("users") == "w2 w3");
  CHECK(Told<tell::Drained>(said).size() == 1);
  CHECK(m.core.DescribeWorker("w1", m.Time().monotonic) == "drained");
  // It stays so over a restart of the manager, until it is undrained.
  m.Runs("users");
  m.alive.clear();
  m.Elect(2, m.Records());
  for (const char* id : {"w1", "w2", "w3"}) m.Open(id);
  m.Ask(m.Submit("more", 2));
  CHECK(m.State("more") == "waiting");
  m.Ask(commands::Undrain{"w1"});
  CHECK(m.State("more") == "starting");
}

TEST_CASE("a job that starts on a worker that is drained moves once it runs") {
  TwoWorkers m;
  m.Ask(m.Submit("clicks", 1));
  REQUIRE(m.Hosts("clicks") == "w1");
  m.Ask(commands::Drain{"w1"});
  CHECK(m.State("clicks") == "starting");
  const auto said = m.Runs("clicks");
  CHECK(m.State("clicks") == "stopping");
  CHECK(Told<tell::StopAttempt>(said).size() == 1);
  // It is lost before its savepoint: the next attempt begins elsewhere all the same.
  m.End("clicks", m.Fails());
  m.Pass(300);
  CHECK(m.Hosts("clicks") == "w2");
  CHECK_FALSE(m.Record("clicks").next.has_value());
}

TEST_CASE("a worker that wants to go is drained, its next process is not") {
  TwoWorkers m;
  m.Start("clicks", 1);
  m.Do(facts::DrainAsked{m.alive["w1"]});
  CHECK(m.State("clicks") == "stopping");
  const auto said = m.End("clicks", m.Stopped(1));
  CHECK(m.Hosts("clicks") == "w2");
  CHECK(Told<tell::Drained>(said).size() == 1);
  CHECK(m.stored_workers.empty());
  m.Break("w1");
  m.Open("w1", 2, "b");
  CHECK(m.core.cluster().Find("w1")->usable());
}

TEST_CASE("an attempt that its lead never took up is given to another") {
  TwoWorkers m;
  m.Start("users", 1);
  m.Pass(6'000);
  m.Open("w3");
  m.Ask(m.Submit("clicks", 4));
  REQUIRE(m.Hosts("clicks") == "w2 w3 w1 w2");
  REQUIRE(m.Record("clicks").attempts == 1);
  const auto said = m.Pass(3'500);
  CHECK(All<actions::CloseSession>(said).size() == 1);
  CHECK(m.State("clicks") == "waiting");
  // What else its lead does is not touched, if it is back in time.
  m.Open("w2", 4);
  CHECK(m.State("clicks") == "starting");
  m.Pass(1'000);
  CHECK(m.Record("users").attempts == 1);
  CHECK(m.Record("clicks").failures_in_row == 0);
}

TEST_CASE("a savepoint is answered with its number, or with why there is none") {
  TwoWorkers m;
  m.Start("clicks");
  auto said = m.Ask(commands::Savepoint{"clicks"});
  CHECK(All<actions::Reply>(said).empty());
  REQUIRE(Told<tell::StopAttempt>(said).size() == 1);
  CHECK(Told<tell::StopAttempt>(said)[0].kind == tell::StopAttempt::Kind::kSavepointOnly);
  CHECK(m.ReplyOf(m.Ask(commands::Savepoint{"clicks"})).Is(errors::kChangeUnderWay));
  AttemptReport report;
  report.phase = AttemptPhase::kRunning;
  const RequestId asked = Told<tell::StopAttempt>(said)[0].request;
  // Of a manager before this one.
  report.savepoint = SavepointAnswer{{0, asked}, 11, "/kept/11", {}};
  CHECK(All<actions::Reply>(m.Report("clicks", report)).empty());
  report.savepoint = SavepointAnswer{{1, asked}, 12, "/kept/12", {}};
  const auto replies = All<actions::Reply>(m.Report("clicks", report));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].savepoint == 12);
  CHECK(replies[0].location == "/kept/12");
  CHECK(m.Record("clicks").savepoint == 12);
  // The next one fails; what is told of the last one answers nothing.
  said = m.Ask(commands::Savepoint{"clicks"});
  CHECK(All<actions::Reply>(m.Report("clicks", report)).empty());
  report.savepoint = SavepointAnswer{{1, Told<tell::StopAttempt>(said)[0].request}, 13, "", {}};
  report.savepoint->failure = {"WEIR-S003", ErrorKind::kRetry, "no room", "make some"};
  CHECK(m.ReplyOf(m.Report("clicks", report)).code().id == "WEIR-S003");
  CHECK(m.Record("clicks").savepoint == 12);
  CHECK(m.State("clicks") == "running");
  m.Ask(commands::Savepoint{"clicks"});
  CHECK(m.ReplyOf(m.End("clicks", m.Fails())).Is(errors::kSavepointCut));
}

TEST_CASE("a job is kept on workers that keep checkpoints in one place") {
  CoreHarness m;
  m.Elect();
  const auto open = [&](const std::string& id, const std::string& store) {
    WorkerHello hello;
    hello.id = id;
    hello.incarnation = "a";
    hello.address = id + ":1";
    hello.version = "1";
    hello.slots = 2;
    hello.store = store;
    hello.store_url = "/mnt/" + store;
    return m.Open(hello);
  };
  m.Pass(6'000);
  open("w1", "one");
  open("w2", "two");
  const Status refused = m.ReplyOf(m.Ask(CoreHarness::Submit("clicks", 2)));
  CHECK(refused.Is(errors::kStoresDiffer));
  CHECK(refused.message().find("w1 in /mnt/one; w2 in /mnt/two") != std::string::npos);
  const auto told = [&](const std::string& id) {
    return m.core.DescribeWorker(id, m.Time().monotonic);
  };
  CHECK(told("w2").find("checkpoints in /mnt/two, another place than that of w1") !=
        std::string::npos);
  // Where they agree it begins; who comes later with another place gets none of it.
  m.Break("w2");
  m.Pass(2'000);
  CHECK(m.ReplyOf(m.Ask(CoreHarness::Submit("clicks", 2))).ok());
  CHECK(m.Record("clicks").store == "one");
  m.Runs("clicks");
  open("w2", "two");
  CHECK(m.ReplyOf(m.Ask(commands::Rescale{"clicks", 4})).Is(errors::kTooFewSlots));
  m.Break("w1");
  m.Pass(2'000);
  CHECK(m.State("clicks") == "waiting");
  CHECK(m.Why("clicks").find("worker w2 keeps checkpoints elsewhere (/mnt/two)") !=
        std::string::npos);
  open("w3", "one");
  CHECK(m.Hosts("clicks") == "w3 w3");
  // A start that needs nothing of what is there may be anywhere.
  m.Ask(commands::Cancel{"clicks"});
  m.Break("w3");
  m.Pass(2'000);
  commands::Restart restart{"clicks", {}, "new"};
  restart.choices.from = "/kept/7";
  CHECK(m.ReplyOf(m.Ask(restart)).ok());
  CHECK(m.Hosts("clicks") == "w2 w2");
  CHECK(m.Record("clicks").store == "two");
}

TEST_CASE("a job that no worker slots are there for is refused") {
  TwoWorkers m;
  m.Pass(6'000);
  const Status status = m.ReplyOf(m.Ask(m.Submit("clicks", 5)));
  CHECK(status.Is(errors::kTooFewSlots));
  CHECK(m.core.jobs().empty());
  CHECK(m.stored.empty());
  CHECK(m.ReplyOf(m.Ask(m.Submit("clicks", 0))).Is(errors::kBadRequest));
  CHECK(m.ReplyOf(m.Ask(commands::Stop{"clicks"})).Is(errors::kNoSuchJob));
}

TEST_CASE("a job scaled by weir takes what there is, and more when it is busy") {
  CoreOptions options = CoreHarness::Options();
  TwoWorkers m(options);
  auto submit = m.Submit("clicks", 2);
  submit.policy.autoscale =
      AutoscaleBounds{1, 8, 0.7, {}, Duration::Seconds(2), Duration::Seconds(1)};
  m.Ask(submit);
  m.Runs("clicks");
  AttemptReport busy;
  busy.phase = AttemptPhase::kRunning;
  busy.busy = 0.95;
  for (int i = 0; i < 8 && m.State("clicks") == "running"; i++) {
    m.Pass(500);
    m.Report("clicks", busy);
  }
  CHECK(m.State("clicks") == "stopping");
  m.End("clicks", m.Stopped(2));
  CHECK(m.Record("clicks").parallelism == 3);
  m.Runs("clicks");
  m.Pass(5'000);
  m.Break("w2");
  m.Pass(300);
  CHECK(m.State("clicks") == "starting");
  CHECK(m.Hosts("clicks") == "w1 w1");
}

TEST_CASE("ways out of states are ways into states, and every state can be left or entered") {
  for (const JobState from : kJobStates) {
    CHECK(StateOf(from).name() == from);
    CHECK_FALSE(StateOf(from).ways_out().empty());
    CHECK_FALSE(IsWayOut(from, from));
  }
}

}  // namespace
}  // namespace weir::manager
