// Reads and writes what another implementation of Avro wrote and reads: test_avro.py, which knows
// nothing of weir, gives the cases in a file and judges the answers.

#include <cstdlib>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "batch/render.h"
#include "formats/avro_compatibility.h"
#include "formats/avro_decoder.h"
#include "formats/avro_encoder.h"
#include "tests/catch.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

std::vector<int> Every(size_t count) {
  std::vector<int> all(count);
  for (size_t i = 0; i < count; i++) all[i] = static_cast<int>(i);
  return all;
}

/// Each row as `{"row":{…},"written":"hex"}` or `{"code":…,"reason":…}`.
Json Rows(const Batch& batch, const std::vector<Rejection>& rejected, size_t count,
          Encoder& encoder) {
  Json rows = Json::array();
  size_t row = 0;
  size_t next = 0;
  for (size_t i = 0; i < count; i++) {
    if (next < rejected.size() && rejected[next].record == i) {
      rows.push_back({{"code", rejected[next].code->id}, {"reason", rejected[next].reason}});
      next++;
      continue;
    }
    Json one = {{"row", Json::array()}};
    for (const ColumnPtr& column : batch.columns()) {
      std::string text;
      AppendJsonValue(text, *column, row);
      one["row"].push_back(text);
    }
    std::string bytes;
    const Status status = encoder.Encode(batch, row, bytes);
    one[status.ok() ? "written" : "refused"] = status.ok() ? Hex(bytes) : status.ToString();
    rows.push_back(std::move(one));
    row++;
  }
  REQUIRE(row == batch.rows());
  return rows;
}

/// What becomes of one case, `{"writer":…,"reader":…,"payloads":["hex",…]}`.
Result<Json> Answer(const Json& given) {
  const AvroSchemaPtr writer = WEIR_TRY(AvroSchema::Parse(given["writer"].dump()));
  const AvroSchemaPtr reader = WEIR_TRY(AvroSchema::Parse(given["reader"].dump()));
  Json answer = {{"normalised", reader->normalised()}};
  answer["reasons"] = Json::array();
  for (const AvroIncompatibility& one : CannotRead(*reader, *writer)) {
    answer["reasons"].push_back(one.path + ": " + one.reason);
  }
  const AvroColumns columns =
      WEIR_TRY(AvroColumns::Make(reader, {}, Every(reader->root().fields.size())));
  const auto encoder = WEIR_TRY(MakeAvroEncoder(*columns.schema(), reader));
  const auto program = AvroProgram::Make(writer, columns);
  if (!program.ok()) {
    answer["unresolved"] = program.status().ToString();
    return answer;
  }
  std::vector<std::string> bytes;
  for (const Json& hex : given["payloads"]) bytes.push_back(*FromHex(hex.get<std::string>()));
  const std::vector<std::string_view> payloads(bytes.begin(), bytes.end());
  BatchBuilder builder(columns.schema());
  std::vector<Rejection> rejected;
  AvroDecoder().Decode(**program, payloads, builder, rejected);
  answer["rows"] = Rows(*builder.Finish(), rejected, payloads.size(), *encoder);
  return answer;
}

TEST_CASE("cases of another implementation are answered") {
  const char* const path = std::getenv("WEIR_AVRO_CASES");
  if (path == nullptr) {
    // One of them, so that this is a test by itself too.
    const Json schema = Json::parse(
        R"({"type":"record","name":"R","fields":[{"name":"a","type":["null","int"]}]})");
    const auto answer =
        Answer({{"writer", schema}, {"reader", schema}, {"payloads", {"0202", "00", "04"}}});
    REQUIRE(answer.ok());
    CHECK((*answer)["rows"][0] == Json::parse(R"({"row":["1"],"written":"0202"})"));
    CHECK((*answer)["rows"][1] == Json::parse(R"({"row":["null"],"written":"00"})"));
    CHECK((*answer)["rows"][2]["code"] == "WEIR-F001");
    return;
  }
  std::ifstream cases(path);
  std::ofstream answers(std::string(path) + ".answers");
  for (std::string line; std::getline(cases, line);) {
    const Result<Json> answer = Answer(Json::parse(line));
    answers << (answer.ok() ? *answer : Json{{"error", answer.status().ToString()}}).dump() << '\n';
  }
  CHECK(answers.good());
}

}  // namespace
}  // namespace weir
