// What workers do for users at the checkpoints, and how a job is forgotten.

#include "daemon/manager/core.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/session_wire.h"
#include "daemon/manager/testing/harness.h"
#include "engine/errors.h"

namespace weir::manager {
namespace {

using testing::All;
using testing::CoreHarness;
using testing::Told;

const Errand kList{};
const Errand kResolve{Errand::Kind::kResolve, 0, false, "out", true};

/// A leader with three workers of one slot each, of which the first two run the job.
struct ThreeWorkers : CoreHarness {
  explicit ThreeWorkers(CoreOptions options = Options()) : CoreHarness(std::move(options)) {
    Elect();
    for (const char* id : {"w1", "w2"}) Open(id, 1);
    REQUIRE(ReplyOf(Ask(Submit("clicks"))).ok());
    Runs("clicks");
    Open("w0", 1);
  }
  void Stop() {
    REQUIRE(ReplyOf(Ask(commands::Stop{"clicks"})).ok());
    End("clicks", Stopped(7));
    Pass(10);
    REQUIRE(State("clicks") == "stopped");
  }
  std::vector<Action> Errands(const Errand& errand, const std::string& job = "clicks") {
    return Ask(commands::RunErrand{job, errand});
  }
  /// Who was told the only errand among `actions`.
  std::string WhoOf(const std::vector<Action>& actions) {
    for (const actions::Tell& tell : All<actions::Tell>(actions)) {
      if (!std::holds_alternative<tell::RunErrand>(tell.message)) continue;
      for (const auto& [id, session] : alive) {
        if (session == tell.session) return id;
      }
    }
    return "nobody";
  }
  std::vector<Action> Tells(const std::string& worker, ErrandId id, Status status = {},
                            std::string told = "{}") {
    return Do(facts::ErrandDone{alive.at(worker), id, std::move(status), std::move(told)});
  }
};

TEST_CASE("an errand is given to the lead, and its answer to whoever asked") {
  ThreeWorkers m;
  const std::string lead = m.Record("clicks").attempt->placement.lead().id;
  auto said = m.Errands(kList);
  CHECK(All<actions::Reply>(said).empty());
  CHECK(m.WhoOf(said) == lead);
  const tell::RunErrand order = Told<tell::RunErrand>(said).at(0);
  CHECK(order.job == "clicks");
  CHECK(order.limit == m.core.options().errand_limit);
  // Nothing changes by it: no line, no record.
  CHECK(All<actions::Audit>(said).empty());
  CHECK(All<actions::Store>(said).empty());

  const std::string other = lead == "w1" ? "w2" : "w1";
  CHECK(m.Tells(other, order.id).empty());
  CHECK(m.Tells(lead, {order.id.term + 1, order.id.number}).empty());
  said = m.Tells(lead, order.id, {}, "{\"a\":1}");
  const auto replies = All<actions::Reply>(said);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].status.ok());
  CHECK(replies[0].told == "{\"a\":1}");
  CHECK(m.Tells(lead, order.id).empty());

  said = m.Errands(kList);
  const Status damaged(errors::kJobStoreDamaged, "it is gone");
  said = m.Tells(lead, Told<tell::RunErrand>(said).at(0).id, damaged);
  CHECK(m.ReplyOf(said).message() == "it is gone");
}

TEST_CASE("of a job at rest those are asked that had it, else anybody who is here") {
  ThreeWorkers m;
  m.Stop();
  CHECK(m.WhoOf(m.Errands(kList)) == "w1");
  m.Break("w1");
  CHECK(m.WhoOf(m.Errands(kList)) == "w2");
  m.Break("w2");
  CHECK(m.WhoOf(m.Errands(kList)) == "w0");
  m.Break("w0");
  const Status nobody = m.ReplyOf(m.Errands(kList));
  CHECK(nobody.Is(errors::kNoWorkerHere));
  CHECK(nobody.message().find("worker w1 is away since") != std::string::npos);
}

TEST_CASE("an errand whose worker is lost or too slow is answered as cut") {
  ThreeWorkers m;
  auto said = m.Errands(kList);
  const std::string lead = m.WhoOf(said);
  said = m.Break(lead);
  CHECK(m.ReplyOf(said).Is(errors::kErrandCut));
  CHECK(m.ReplyOf(said).message() == "worker " + lead + " left before it had answered");

  m.Open(lead, 1);
  said = m.Errands(kList);
  const ErrandId id = Told<tell::RunErrand>(said).at(0).id;
  CHECK(m.core.NextDeadline() <= Duration::Minutes(10));
  const CoreOptions& options = m.core.options();
  CHECK(All<actions::Reply>(m.Pass(options.errand_limit.us / 1000)).empty());
  CHECK(m.ReplyOf(m.Pass(options.errand_slack.us / 1000)).Is(errors::kErrandCut));
  CHECK(m.Tells(lead, id).empty());
}

TEST_CASE("only so many errands are under way at a time") {
  ThreeWorkers m;
  std::vector<Action> said;
  for (size_t i = 0; i < m.core.options().most_errands; i++) said = m.Errands(kList);
  CHECK(m.ReplyOf(m.Errands(kList)).Is(errors::kTooManyErrands));
  m.Tells(m.WhoOf(said), Told<tell::RunErrand>(said).at(0).id);
  CHECK(Told<tell::RunErrand>(m.Errands(kList)).size() == 1);
}

TEST_CASE("a job that is not known is told with the nearest name") {
  ThreeWorkers m;
  const Status unknown = m.ReplyOf(m.Errands(kList, "click"));
  CHECK(unknown.Is(errors::kNoSuchJob));
  CHECK(unknown.cure() == "did you mean 'clicks'?");
  CHECK(m.ReplyOf(m.Ask(commands::Remove{"else"})).cure().find("weir list") != std::string::npos);
}

TEST_CASE("what waits is decided about only while the job is at rest") {
  ThreeWorkers m;
  const auto said = m.Errands(kResolve);
  CHECK(m.ReplyOf(said).Is(errors::kWrongState));
  REQUIRE(All<actions::Audit>(said).size() == 1);
  CHECK(All<actions::Audit>(said)[0].what == "resolve");
  CHECK(All<actions::Audit>(said)[0].outcome == "WEIR-M003");
  m.End("clicks", m.Done());
  CHECK(m.State("clicks") == "ended");
  CHECK(m.ReplyOf(m.Errands(kResolve)).Is(errors::kWrongState));
}

TEST_CASE("a decision about what waits has a number of its own, durable before it is given") {
  ThreeWorkers m;
  m.Stop();
  m.hold_stores = true;
  auto said = m.Errands(kResolve);
  CHECK(Told<tell::RunErrand>(said).empty());
  REQUIRE(m.held.size() == 1);
  CHECK(m.held[0].jobs[0].attempts == 2);
  REQUIRE(All<actions::Audit>(said).size() == 1);
  CHECK(All<actions::Audit>(said)[0].detail == "sink out, drop");
  said = m.ReleaseStores();
  REQUIRE(Told<tell::RunErrand>(said).size() == 1);
  const tell::RunErrand order = Told<tell::RunErrand>(said)[0];
  CHECK(order.attempt == AttemptId{1, 2});
  CHECK(order.instance == "instance of clicks");
  CHECK(order.errand.drop);

  // Nothing else becomes of the job meanwhile.
  CHECK(m.ReplyOf(m.Ask(commands::Restart{"clicks", {}, "x"})).Is(errors::kChangeUnderWay));
  CHECK(m.ReplyOf(m.Ask(m.Submit("clicks"))).Is(errors::kChangeUnderWay));
  CHECK(m.ReplyOf(m.Ask(commands::Remove{"clicks"})).Is(errors::kChangeUnderWay));
  CHECK(m.ReplyOf(m.Errands(kResolve)).Is(errors::kChangeUnderWay));

  said = m.Tells("w1", order.id, Status(errors::kNoSuchSink, "checkpoint 7 knows no sink"));
  CHECK(m.ReplyOf(said).Is(errors::kNoSuchSink));
  REQUIRE(All<actions::Audit>(said).size() == 1);
  CHECK(All<actions::Audit>(said)[0].outcome == "WEIR-E022");
  CHECK(All<actions::Audit>(said)[0].user == "ann");

  // The next attempt's number is above it.
  REQUIRE(m.ReplyOf(m.Ask(commands::Restart{"clicks", {}, "x"})).ok());
  CHECK(m.Record("clicks").attempt->id == AttemptId{1, 3});
}

TEST_CASE("a decision whose time is over before it is durable is never given") {
  ThreeWorkers m;
  m.Stop();
  m.hold_stores = true;
  const auto said = m.Errands(kResolve);
  CHECK(m.ReplyOf(m.Break("w1")).Is(errors::kErrandCut));
  m.Open("w1", 1);
  CHECK(Told<tell::RunErrand>(m.ReleaseStores()).empty());
  CHECK(m.Record("clicks").attempts == 2);
}

TEST_CASE("a decision whose worker is lost may be carried out or not") {
  ThreeWorkers m;
  m.Stop();
  const std::string worker = m.WhoOf(m.Errands(kResolve));
  const auto said = m.Break(worker);
  CHECK(m.ReplyOf(said).Is(errors::kErrandCut));
  CHECK(m.ReplyOf(said).cure().find("weir txn list") != std::string::npos);
  CHECK(All<actions::Audit>(said).at(0).outcome == "WEIR-M044");
  CHECK(m.ReplyOf(m.Ask(commands::Restart{"clicks", {}, "x"})).ok());
}

TEST_CASE("a job at rest is forgotten, once that is durable") {
  ThreeWorkers m;
  CHECK(m.ReplyOf(m.Ask(commands::Remove{"clicks"})).Is(errors::kWrongState));
  m.Stop();
  m.hold_stores = true;
  auto said = m.Ask(commands::Remove{"clicks"});
  CHECK(All<actions::Reply>(said).empty());
  CHECK(All<actions::Audit>(said).at(0).what == "remove");
  REQUIRE(m.held.size() == 1);
  CHECK(m.held[0].jobs[0].removed);
  CHECK(m.ReplyOf(m.Ask(m.Submit("clicks"))).Is(errors::kChangeUnderWay));
  said = m.ReleaseStores();
  CHECK(m.ReplyOf(said).ok());
  CHECK(All<actions::Forget>(said).at(0).job == "clicks");
  CHECK(m.core.jobs().empty());
  CHECK(m.stored.empty());
  CHECK(m.ReplyOf(m.Ask(commands::Stop{"clicks"})).Is(errors::kNoSuchJob));
  m.Pass(2000);
}

TEST_CASE("a job under a removed one's name goes on from its checkpoints, with later numbers") {
  ThreeWorkers m;
  m.Stop();
  REQUIRE(m.ReplyOf(m.Ask(commands::Remove{"clicks"})).ok());
  const bool another_manager = GENERATE(false, true);
  if (another_manager) {
    m.Elect(2, m.Records());
    for (const char* id : {"w0", "w1", "w2"}) m.Open(id, 1);
  }
  const uint64_t term = another_manager ? 2 : 1;
  commands::Submit submit = m.Submit("clicks", 1);
  submit.instance = "another";
  SECTION("goes on") {
    REQUIRE(m.ReplyOf(m.Ask(submit)).ok());
    CHECK(m.Record("clicks").instance == "instance of clicks");
  }
  SECTION("begins anew") {
    submit.choices.fresh = true;
    REQUIRE(m.ReplyOf(m.Ask(submit)).ok());
    CHECK(m.Record("clicks").instance == "another");
  }
  CHECK(m.Record("clicks").attempt->id == AttemptId{term, 2});
  // Lanes that somebody may still write through are fenced.
  CHECK(m.Record("clicks").highest_lane == std::map<std::string, uint32_t>{{"out", 1}});
}

TEST_CASE("a job that was removed before it had begun anew still has to") {
  ThreeWorkers m;
  m.Stop();
  AttemptChoices choices;
  choices.fresh = true;
  REQUIRE(m.ReplyOf(m.Ask(commands::Restart{"clicks", choices, "another"})).ok());
  REQUIRE(m.ReplyOf(m.Ask(commands::Cancel{"clicks"})).ok());
  REQUIRE(m.ReplyOf(m.Ask(commands::Remove{"clicks"})).ok());
  REQUIRE(m.ReplyOf(m.Ask(m.Submit("clicks"))).ok());
  CHECK(m.Record("clicks").instance == "another");
  CHECK(m.Record("clicks").choices.fresh);
}

TEST_CASE("an errand and its answer are the same behind the wire") {
  tell::RunErrand order{{3, 9}, "clicks", kResolve, Duration::Seconds(5), {3, 12}, "instance"};
  order.errand.checkpoint = 77;
  order.errand.quick = true;
  order.errand.savepoint = 78;
  proto::ToWorker message = MessageOf(3, order);
  const tell::RunErrand read = ErrandOf(message.term(), std::move(*message.mutable_errand()));
  CHECK(read.id == order.id);
  CHECK(read.job == order.job);
  CHECK(read.errand.kind == Errand::Kind::kResolve);
  CHECK(read.errand.checkpoint == 77);
  CHECK(read.errand.quick);
  CHECK(read.errand.savepoint == 78);
  CHECK(read.errand.sink == "out");
  CHECK(read.errand.drop);
  CHECK(read.limit == order.limit);
  CHECK(read.attempt == order.attempt);
  CHECK(read.instance == order.instance);
  // A kind of a later version changes nothing.
  proto::RunErrand strange;
  strange.set_kind(99);
  CHECK_FALSE(ErrandOf(1, strange).errand.changes());

  proto::ErrandDone done;
  done.set_term(3);
  done.set_number(9);
  done.set_told("{}");
  const facts::ErrandDone good = ErrandDoneOf({4}, done);
  CHECK(good.session == SessionId{4});
  CHECK(good.errand == order.id);
  CHECK(good.status.ok());
  CHECK(good.told == "{}");
  done.mutable_error()->set_code("WEIR-S004");
  done.mutable_error()->set_message("no such checkpoint");
  CHECK(ErrandDoneOf({4}, done).status.code().id == "WEIR-S004");
}

}  // namespace
}  // namespace weir::manager
