#include "daemon/worker/progress_json.h"

#include <nlohmann/json.hpp>

#include "daemon/http/job_json.h"
#include "daemon/http/job_server.h"
#include "daemon/manager/session_wire.h"
#include "daemon/worker/attempt_report.h"
#include "engine/errors.h"
#include "engine/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

JobProgress Running() {
  JobProgress progress;
  progress.phase = "running";
  progress.rows_read = 1000;
  progress.rows_in = 130;
  progress.rows_out = 8;
  progress.lag_records = 7;
  progress.watermark = EventTime{1'000'000};
  progress.watermark_holder = "clicks/1";
  progress.checkpoint = 12;
  progress.checkpoint_age = Duration::Millis(1500);
  progress.checkpoint_duration = Duration::Millis(20);
  progress.checkpoints_completed = 3;
  progress.totals = {{"clicks.in", 100},        {"clicks.passed", 98}, {"clicks.rejected", 2},
                     {"clicks.out", 98},        {"sessions.in", 98},   {"sessions.late", 1},
                     {"sessions.absorbed", 97}, {"screen.in", 9},      {"screen.passed", 9},
                     {"letters.in", 2},         {"letters.passed", 2}};
  TaskProgress source;
  source.task = {"clicks", 1};
  source.is_source = true;
  source.watermark = EventTime{1'000'000};
  source.lag_records = 7;
  TaskProgress step;
  step.task = {"sessions", 0};
  progress.tasks = {source, step};
  return progress;
}

JobRates Rates() {
  JobRates rates;
  rates.rows_in = 50;
  rates.rows_out = 4.5;
  rates.nodes = {{"clicks", {50, 49}}, {"screen", {4.5, 4.5}}};
  rates.tasks = {{{"clicks", 1}, {0.95, 0}}, {{"sessions", 0}, {0.25, 0.5}}};
  return rates;
}

Json Details(const JobProgress& progress, const JobRates& rates) {
  return Json::parse(ProgressJson(testing::ShopPlan(), progress, rates));
}

TEST_CASE("the graph of a running job is told with counts, rates and what holds it up") {
  const Json json = Details(Running(), Rates());
  const Json& clicks = json["nodes"][0];
  CHECK(clicks["role"] == "source");
  CHECK(clicks["counts"]["rejected"] == 2);
  CHECK(clicks["out_per_second"] == 49.0);
  CHECK(clicks["holds_watermark"] == true);
  CHECK(json["nodes"][1]["inputs"] == Json{"clicks"});
  CHECK(json["nodes"][1]["holds_watermark"] == false);
  CHECK_FALSE(json["nodes"][1].contains("in_per_second"));
  CHECK(json["nodes"][3]["dead_letters"] == true);
  CHECK(json["exchanges"] ==
        Json::array({{{"from", "clicks"}, {"to", "sessions"}, {"how", "all to one task"}}}));
  CHECK(json["fragments"][0]["slowest"] == true);
  CHECK(json["fragments"][0]["tasks"] == 2);
  CHECK(json["fragments"][1] == Json({{"name", "sessions"},
                                      {"tasks", 1},
                                      {"slowest", false},
                                      {"busy", 0.25},
                                      {"waiting", 0.5}}));
  CHECK(json["tasks"][0]["lag_records"] == 7);
  CHECK_FALSE(json["tasks"][1].contains("lag_records"));
  CHECK(json["tasks"][1]["watermark"].is_null());
  CHECK(json["checkpoint"]["newest"] == 12);
  CHECK(json["checkpoint"]["seconds"] == 0.02);
}

TEST_CASE("the ledger's sums leave dead letters out of what is written") {
  CHECK(
      Details(Running(), {})["ledger"] ==
      Json({{"rows_in", 100}, {"rows_out", 9}, {"late", 1}, {"rejected", 2}, {"unaccounted", 0}}));
}

TEST_CASE("bytes that are no text do not keep a job from being shown") {
  JobProgress progress = Running();
  progress.last_error = "bad \xff byte";
  CHECK(Details(progress, {})["last_error"] == "bad \xef\xbf\xbd byte");
}

TEST_CASE("a job of one process is told in the manager's words") {
  JobProgress progress = Running();
  Json json = ToJson(InShort(testing::ShopPlan(), progress, Rates()));
  CHECK(json["state"] == "running");
  CHECK(json["parallelism"] == 2);
  // Up to now, not as of the checkpoint; unless that has heard of more.
  CHECK(json["rows_in"] == 130);
  CHECK(json["rows_out"] == 9);
  CHECK(json["rows_per_second"] == 50.0);
  CHECK(json["rows_out_per_second"] == 4.5);
  CHECK(json["busy"] == 0.95);
  CHECK(json["checkpoint_age_seconds"] == 1.5);
  CHECK_FALSE(json.contains("failure"));

  progress.phase = "waiting";
  progress.restarts = 1;
  progress.held_by = "sessions/0";
  progress.failure = Status(errors::kLedger, "rows do not add up", "report it");
  json = ToJson(InShort(testing::ShopPlan(), progress, {}));
  CHECK(json["state"] == "waiting");
  CHECK(json["restarts"] == 1);
  CHECK(json["reason"].get<std::string>().ends_with("waits for sessions/0"));
  CHECK(json["failure"] == Json({{"code", errors::kLedger.id},
                                 {"message", "rows do not add up"},
                                 {"cure", "report it"}}));
  CHECK(json["rows_out_per_second"].is_null());

  for (const char* phase : {"starting", "stopping", "ended", "failed"}) {
    progress.phase = phase;
    CHECK(ToJson(InShort(testing::ShopPlan(), progress, {}))["state"] == phase);
  }
}

TEST_CASE("a report is the same behind the wire") {
  manager::AttemptReport report = AttemptReportOf(testing::ShopPlan(), Running(), Rates());
  report.savepoint = manager::SavepointAnswer{{3, {5}}, 11, "/kept/11", {}};
  const manager::AttemptReport back = manager::ReportOf(manager::MessageOf(report));
  JobInShort here;
  here.report = report;
  JobInShort there;
  there.report = back;
  CHECK(ToJson(here) == ToJson(there));
  CHECK(back.phase == manager::AttemptPhase::kRunning);
  REQUIRE(back.savepoint);
  CHECK(back.savepoint->id == manager::SavepointId{3, {5}});
  CHECK(back.savepoint->number == 11);
  CHECK(back.savepoint->location == "/kept/11");
  CHECK_FALSE(back.savepoint->failure);
  CHECK(back.watermark_holder == "clicks/1");
  CHECK(back.checkpoints_completed == 3);
  report.savepoint->failure = {"WEIR-S003", ErrorKind::kRetry, "no room", "make some"};
  CHECK(manager::ReportOf(manager::MessageOf(report)).savepoint->failure ==
        report.savepoint->failure);
  report.rows_out_per_second.reset();
  CHECK_FALSE(manager::ReportOf(manager::MessageOf(report)).rows_out_per_second);
}

}  // namespace
}  // namespace weir
