#include "daemon/worker/checkpoint_json.h"

#include <nlohmann/json.hpp>

#include "state/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

TEST_CASE("a list tells of each checkpoint, and of one that can't be read why") {
  ListedCheckpoint good;
  good.number = 7;
  good.written = {1'000'000};
  good.attempt = 3;
  good.files = 2;
  good.bytes = 99;
  good.unpublished_rows = 5;
  good.savepoint = true;
  ListedCheckpoint bad;
  bad.number = 8;
  bad.fault = Status(errors::kManifestDamaged, "it is too short", "restore it");
  const Json json = CheckpointsJson("clicks", {good, bad});
  CHECK(json["job"] == "clicks");
  const Json& list = json["checkpoints"];
  REQUIRE(list.size() == 2);
  CHECK(list[0]["number"] == 7);
  CHECK(list[0]["written"].get<std::string>().starts_with("1970-01-01T00:00:01"));
  CHECK(list[0]["unpublished_rows"] == 5);
  CHECK(list[0]["savepoint"] == true);
  CHECK(list[1]["number"] == 8);
  CHECK(list[1]["error"]["code"] == "WEIR-S002");
  CHECK_FALSE(list[1].contains("files"));
}

TEST_CASE("what was verified is told with the faults of each checkpoint") {
  VerifyReport report;
  report.deep = true;
  report.files = 4;
  report.checkpoints.resize(2);
  report.checkpoints[0].number = 1;
  report.checkpoints[0].readable = true;
  report.checkpoints[0].files = 4;
  report.checkpoints[1].number = 2;
  report.checkpoints[1].faults = {"it is missing"};
  const Json json = VerifyJson("clicks", report);
  CHECK(json["ok"] == false);
  CHECK(json["every_byte"] == true);
  CHECK(json["checkpoints"][0]["files"] == 4);
  CHECK(json["checkpoints"][0]["faults"].empty());
  CHECK(json["checkpoints"][1]["faults"][0] == "it is missing");
  CHECK_FALSE(json["checkpoints"][1].contains("files"));
}

TEST_CASE("what waits, and what was decided about it") {
  const Json waiting = WaitingJson("clicks", {9, {{"out", 1, 8, 30}}});
  CHECK(waiting["checkpoint"] == 9);
  CHECK(waiting["waiting"][0] ==
        Json{{"sink", "out"}, {"lane", 1}, {"checkpoint", 8}, {"rows", 30}});
  const Json resolved = ResolvedJson("clicks", {"out", false}, {10, 30});
  CHECK(resolved["choice"] == "dead_letter");
  CHECK(resolved["checkpoint"] == 10);
  CHECK(resolved["rows"] == 30);
}

}  // namespace
}  // namespace weir
