#include "daemon/http/diagnosis.h"

#include <nlohmann/json.hpp>

#include "batch/time_text.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kNow = 1'800'000'000'000'000;

/// A job in good order, as the API shows it.
Json Healthy() {
  return {
      {"name", "clicks"},
      {"state", "running"},
      {"reason", "rows flow"},
      {"since_seconds", 100.0},
      {"restarts", 0},
      {"failures_in_row", 0},
      {"lag_records", 0},
      {"history", Json::array()},
      {"details",
       {{"watermark", FormatIso8601(EventTime{kNow - 2'000'000})},
        {"watermark_holder", "clicks-3"},
        {"held_by", ""},
        {"last_error", ""},
        {"checkpoint",
         {{"newest", 12},
          {"age_seconds", 4.0},
          {"interval_seconds", 10.0},
          {"dropped", 0},
          {"unpublished_epochs", 1}}},
        {"fragments", {{{"name", "clicks"}, {"tasks", 2}, {"busy", 0.3}, {"slowest", false}}}}}}};
}

std::vector<std::string> WhatOf(const Json& job) {
  std::vector<std::string> what;
  for (const Finding& finding : Diagnose(job, kNow)) {
    what.emplace_back(finding.what);
    CHECK_FALSE(finding.message.empty());
    CHECK_FALSE(finding.evidence.empty());
    CHECK_FALSE(finding.cure.empty());
  }
  return what;
}

using What = std::vector<std::string>;

TEST_CASE("nothing holds a job in good order") { CHECK(WhatOf(Healthy()).empty()); }

TEST_CASE("partitions without a leader hold what reads or writes them") {
  Json job = Healthy();
  const Json whole = {{"leaderless_partitions", 0}, {"under_replicated_partitions", 5}};
  const Json broken = {{"leaderless_partitions", 2}, {"under_replicated_partitions", 5}};
  const auto node = [](const char* name, const char* role, const Json& connections) {
    return Json{{"name", name}, {"role", role}, {"connections", connections}};
  };
  job["details"]["nodes"] = {node("clicks", "source", whole), node("counts", "sink", whole)};
  CHECK(WhatOf(job).empty());
  job["details"]["nodes"] = {node("clicks", "source", broken), node("counts", "sink", broken)};
  CHECK(WhatOf(job) == What{"partitions", "partitions"});
  CHECK(Diagnose(job, kNow)[0].message == "2 partitions that clicks reads have no leader");
  CHECK(Diagnose(job, kNow)[1].message == "2 partitions that counts writes to have no leader");
}

TEST_CASE("what is not known holds nothing") {
  CHECK(WhatOf(Json::object()).empty());
  Json job = Healthy();
  job["details"] = nullptr;
  CHECK(WhatOf(job).empty());
  job = Healthy();
  job["details"]["checkpoint"] = "?";
  job["details"]["fragments"] = 3;
  CHECK(WhatOf(job).empty());
}

TEST_CASE("a job without room waits for capacity") {
  Json job = Healthy();
  job["state"] = "waiting";
  job["reason"] = "waiting for 2 more worker slots: 6 needed, 4 free";
  REQUIRE(WhatOf(job) == What{"capacity"});
  CHECK(Diagnose(job, kNow)[0].message.find("6 needed") != std::string::npos);
  CHECK(Diagnose(job, kNow)[0].cure.find("start more workers") != std::string::npos);
}

TEST_CASE("a job that waits for its next attempt says so") {
  Json job = Healthy();
  job["state"] = "waiting";
  job["reason"] = "waiting for 129 ms before attempt 2, after one failed in a row: WEIR-R004: gone";
  job["backoff_seconds"] = 0.129;
  CHECK(WhatOf(job) == What{"restarts"});
}

TEST_CASE("a failed job tells its failure with its cure") {
  Json job = Healthy();
  job["state"] = "failed";
  job["failure"] = {{"code", "WEIR-K003"}, {"message", "no topic"}, {"cure", "make it"}};
  const std::vector<Finding> found = Diagnose(job, kNow);
  REQUIRE(found.size() == 1);
  CHECK(found[0].what == "failure");
  CHECK(found[0].message == "WEIR-K003: no topic");
  CHECK(found[0].cure == "make it");
}

TEST_CASE("a job that fails again and again tells so while it runs") {
  Json job = Healthy();
  job["failures_in_row"] = 4;
  job["history"] = {{{"reason", "WEIR-K003: no topic"}}};
  CHECK(WhatOf(job) == What{"restarts"});
}

TEST_CASE("an old checkpoint tells whom its barrier waits for, or why it did not come about") {
  Json job = Healthy();
  job["details"]["checkpoint"]["age_seconds"] = 31.0;
  job["details"]["held_by"] = "clicks/window[1]";
  REQUIRE(WhatOf(job) == What{"barrier"});
  CHECK(Diagnose(job, kNow)[0].message.find("clicks/window[1]") != std::string::npos);
  job["details"]["held_by"] = "";
  job["details"]["last_error"] = "WEIR-S004: disk full";
  REQUIRE(WhatOf(job) == What{"commit"});
  CHECK(Diagnose(job, kNow)[0].message.find("disk full") != std::string::npos);
  // One that is under way in good time holds nothing.
  job["details"]["checkpoint"]["age_seconds"] = 12.0;
  CHECK(WhatOf(job).empty());
}

TEST_CASE("results that can't be published are told") {
  Json job = Healthy();
  job["details"]["checkpoint"]["unpublished_epochs"] = 5;
  CHECK(WhatOf(job) == What{"publish"});
}

TEST_CASE("a watermark is held by a split without rows, or far behind") {
  Json job = Healthy();
  job["details"]["watermark"] = nullptr;
  CHECK(WhatOf(job) == What{"watermark"});
  job["since_seconds"] = 3.0;  // It has just begun.
  CHECK(WhatOf(job).empty());
  job["details"]["watermark"] = FormatIso8601(EventTime{kNow - 3'600'000'000});
  REQUIRE(WhatOf(job) == What{"watermark"});
  CHECK(Diagnose(job, kNow)[0].evidence.find("60 min behind") != std::string::npos);
  job["details"]["watermark"] = "end";
  CHECK(WhatOf(job).empty());
}

TEST_CASE("the fragment at its limit is named where input waits") {
  Json job = Healthy();
  job["lag_records"] = 90'000;
  CHECK(WhatOf(job).empty());
  job["details"]["fragments"].push_back(
      {{"name", "sessions"}, {"tasks", 2}, {"busy", 0.97}, {"slowest", true}});
  REQUIRE(WhatOf(job) == What{"pace"});
  CHECK(Diagnose(job, kNow)[0].message.find("sessions") != std::string::npos);
  job["lag_records"] = 0;
  CHECK(WhatOf(job).empty());
}

}  // namespace
}  // namespace weir
