#include "connectors/dead_letter.h"

#include "connectors/harness.h"

namespace weir {
namespace {

TEST_CASE("a dead letter of a record tells where it came from and what it was") {
  RejectedRecord record{};
  record.code = &errors::kNoFiles;
  record.reason = "price: expected double, got \"x\"";
  record.topic = "stock";
  record.partition = 3;
  record.offset = 17;
  record.timestamp = EventTime{1500000};
  record.key = "AAPL";
  record.headers = {{"trace", "\x01"}, {"none", std::nullopt}};
  record.value = "{}";
  RejectedRecord bare{};
  bare.code = &errors::kNoFiles;
  bare.reason = "no value";
  bare.topic = "stock";
  const BatchPtr letters =
      DeadLettersOfRecords("prices", std::vector<RejectedRecord>{record, bare}, EventTime{2000});
  REQUIRE(letters->rows() == 2);
  CHECK(
      testing::RowText(*letters, 0) ==
      R"({"node":"prices","code":"WEIR-L001","reason":"price: expected double, got \"x\"","at":2,)"
      R"("topic":"stock","partition":3,"offset":17,"timestamp":1500,"key":"QUFQTA==",)"
      R"("headers":[{"key":"trace","value":"AQ=="},{"key":"none","value":null}],)"
      R"("value":"e30=","row":null})");
  CHECK(testing::RowText(*letters, 1) ==
        R"({"node":"prices","code":"WEIR-L001","reason":"no value","at":2,"topic":"stock",)"
        R"("partition":null,"offset":null,"timestamp":null,"key":null,"headers":[],)"
        R"("value":null,"row":null})");
}

TEST_CASE("a dead letter of a row has the row as JSON") {
  BatchBuilder builder(std::make_shared<const Schema>(
      std::vector<Field>{{"n", TypeKind::kInt64}, {"s", TypeKind::kString}}));
  for (int64_t n = 0; n < 3; n++) {
    builder.column(0).Append(n);
    builder.column(1).AppendText("a\"b");
  }
  const std::vector<Rejection> rejections = {{2, &errors::kNoFiles, "x / 0"}};
  const BatchPtr letters = DeadLettersOfRows("step", *builder.Finish(), rejections, EventTime{0});
  REQUIRE(letters->rows() == 1);
  CHECK(
      testing::RowText(*letters, 0) ==
      R"({"node":"step","code":"WEIR-L001","reason":"x / 0","at":0,"topic":null,"partition":null,)"
      R"("offset":null,"timestamp":null,"key":null,"headers":null,"value":null,)"
      R"("row":{"n":2,"s":"a\"b"}})");
}

}  // namespace
}  // namespace weir
