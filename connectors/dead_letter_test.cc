#include "connectors/dead_letter.h"

#include "connectors/harness.h"

namespace weir {
namespace {

const JobLabel kShop{"shop", "5ad1"};

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
  const BatchPtr letters = DeadLettersOfRecords(
      kShop, "prices", std::vector<RejectedRecord>{record, bare}, EventTime{2000});
  REQUIRE(letters->rows() == 2);
  CHECK(
      testing::RowText(*letters, 0) ==
      R"({"node":"prices","code":"WEIR-L001","reason":"price: expected double, got \"x\"","at":2,)"
      R"("job":"shop","job_version":"5ad1","topic":"stock","partition":3,"offset":17,"timestamp":1500,"key":"QUFQTA==",)"
      R"("headers":[{"key":"trace","value":"AQ=="},{"key":"none","value":null}],)"
      R"("value":"e30=","row":null})");
  CHECK(testing::RowText(*letters, 1) ==
        R"({"node":"prices","code":"WEIR-L001","reason":"no value","at":2,"job":"shop",)"
        R"("job_version":"5ad1","topic":"stock",)"
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
  const BatchPtr letters =
      DeadLettersOfRows(kShop, "step", *builder.Finish(), rejections, EventTime{0});
  REQUIRE(letters->rows() == 1);
  CHECK(testing::RowText(*letters, 0) ==
        R"({"node":"step","code":"WEIR-L001","reason":"x / 0","at":0,"job":"shop",)"
        R"("job_version":"5ad1","topic":null,"partition":null,)"
        R"("offset":null,"timestamp":null,"key":null,"headers":null,"value":null,)"
        R"("row":{"n":2,"s":"a\"b"}})");
}

TEST_CASE("a dead letter that was written as JSON is read back as it was") {
  RejectedRecord record{};
  record.code = &errors::kNoFiles;
  record.reason = "no number";
  record.topic = "stock";
  record.partition = 3;
  record.offset = 17;
  record.timestamp = EventTime{1500000};
  record.key = std::string("\xff\0k", 3);
  record.headers = {{"trace", "\x01"}, {"none", std::nullopt}};
  record.value = "{";
  RejectedRecord bare{};
  bare.code = &errors::kNoFiles;
  bare.topic = "stock";
  const BatchPtr written = DeadLettersOfRecords(
      kShop, "prices", std::vector<RejectedRecord>{record, bare}, EventTime{2001});
  std::vector<std::string> lines(2);
  for (size_t i = 0; i < 2; i++) lines[i] = testing::RowText(*written, i);
  std::vector<int> all;
  for (size_t c = 0; c < DeadLetterSchema()->size(); c++) all.push_back(static_cast<int>(c));
  Diagnostics diagnostics;
  const auto encoding = FindFormat("json")->PlanEncoding({}, *DeadLetterSchema(), diagnostics);
  REQUIRE(encoding != nullptr);
  auto decoder = encoding->Readback()->MakeDecoder({}, all);
  REQUIRE(decoder.ok());
  BatchBuilder builder(DeadLetterSchema());
  std::vector<Rejection> rejected;
  const std::vector<std::string_view> records(lines.begin(), lines.end());
  REQUIRE((*decoder)->Decode(records, builder, rejected).ok());
  for (const Rejection& rejection : rejected) FAIL_CHECK(rejection.reason);
  const BatchPtr read = builder.Finish();
  REQUIRE(read->rows() == 2);

  const DeadLetter letter = ReadDeadLetter(*read, 0);
  CHECK(letter.job.name == "shop");
  CHECK(letter.job.version == "5ad1");
  CHECK(letter.node == "prices");
  CHECK(letter.code == "WEIR-L001");
  CHECK(letter.reason == "no number");
  CHECK(letter.at == EventTime{2001});
  REQUIRE(letter.record);
  CHECK(letter.record->topic == "stock");
  CHECK(letter.record->partition == 3);
  CHECK(letter.record->offset == 17);
  CHECK(letter.record->timestamp == EventTime{1500000});
  CHECK(letter.record->key == record.key);
  CHECK(letter.record->value == record.value);
  CHECK(letter.record->headers == record.headers);
  const DeadLetter tombstone = ReadDeadLetter(*read, 1);
  REQUIRE(tombstone.record);
  CHECK_FALSE(tombstone.record->value);
  CHECK_FALSE(tombstone.record->key);
}

}  // namespace
}  // namespace weir
