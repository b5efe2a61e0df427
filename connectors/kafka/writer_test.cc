#include "connectors/kafka/writer.h"

#include "connectors/kafka/errors.h"
#include "formats/testing.h"
#include "tests/catch.h"

namespace weir::kafka {
namespace {

const Type kHeaders =
    Type::List(Type::Struct({{"key", TypeKind::kString}, {"value", TypeKind::kBytes}}));

struct Fixture {
  ManualClock clock{EventTime{5'000'000}};
  SinkColumns columns;
  TopicLimits limits{1000, 4};

  Writer Make() {
    ConnectorContext context;
    context.clock = &clock;
    auto encoder = testing::RawEncoder();
    return Writer(context, std::move(encoder), columns, "out", limits);
  }
};

/// The records of what one batch seals to.
struct Written {
  SealedPart sealed;
  std::vector<OutboxRecord> records;
  std::vector<Rejection> rejected;
};

Written WriteAndSeal(Writer& writer, const Batch& batch) {
  Written written;
  REQUIRE(writer.Write(batch, written.rejected).ok());
  auto sealed = writer.Seal({1}, false);
  REQUIRE(sealed.ok());
  written.sealed = std::move(sealed).value();
  OutboxReader reader(written.sealed);
  OutboxRecord record;
  while (reader.Next(record)) written.records.push_back(record);
  REQUIRE(reader.status().ok());
  CHECK(written.sealed.rows == static_cast<int64_t>(written.records.size()));
  return written;
}

}  // namespace

TEST_CASE("keys are bytes of text, JSON of anything else, and null is none") {
  const std::pair<Type, std::function<void(ColumnBuilder&)>> cases[] = {
      {TypeKind::kString, [](ColumnBuilder& c) { c.AppendText("a\"b"); }},
      {TypeKind::kBytes, [](ColumnBuilder& c) { c.AppendText(std::string_view("\0\xff", 2)); }},
      {TypeKind::kInt64, [](ColumnBuilder& c) { c.Append<int64_t>(-7); }},
      {TypeKind::kDouble, [](ColumnBuilder& c) { c.Append<double>(37); }},
      {TypeKind::kBool, [](ColumnBuilder& c) { c.AppendBool(true); }}};
  const std::string expected[] = {"a\"b", std::string("\0\xff", 2), "-7", "37.0", "true"};
  for (size_t i = 0; i < std::size(cases); i++) {
    Fixture fixture;
    fixture.columns.key = 1;
    Writer writer = fixture.Make();
    BatchBuilder builder(std::make_shared<const Schema>(
        std::vector<Field>{{"value", TypeKind::kString}, {"key", cases[i].first}}));
    builder.column(0).AppendText("v");
    cases[i].second(builder.column(1));
    builder.column(0).AppendText("w");
    builder.column(1).AppendNull();
    const Written written = WriteAndSeal(writer, *builder.Finish());
    REQUIRE(written.records.size() == 2);
    CHECK(written.records[0].key == expected[i]);
    CHECK(written.records[0].value == "v");
    CHECK(written.records[0].timestamp_ms == 5000);
    CHECK_FALSE(written.records[1].key.has_value());
  }
}

TEST_CASE("partition, time and headers come from their columns, wrong ones are rejected") {
  Fixture fixture;
  fixture.columns = {-1, 1, 3, 2};
  Writer writer = fixture.Make();
  BatchBuilder builder(
      std::make_shared<const Schema>(std::vector<Field>{{"value", TypeKind::kString},
                                                        {"partition", TypeKind::kInt32},
                                                        {"time", TypeKind::kTimestamp},
                                                        {"headers", kHeaders}}));
  const auto row = [&](std::optional<int> partition, std::optional<int64_t> time_us) {
    builder.column(0).AppendText("v");
    if (partition) {
      builder.column(1).Append<int32_t>(*partition);
    } else {
      builder.column(1).AppendNull();
    }
    if (time_us) {
      builder.column(2).Append<int64_t>(*time_us);
    } else {
      builder.column(2).AppendNull();
    }
    ColumnBuilder& header = builder.column(3).child(0);
    header.child(0).AppendText("name");
    header.child(1).AppendText("bytes");
    header.AppendNested();
    header.child(0).AppendText("none");
    header.child(1).AppendNull();
    header.AppendNested();
    builder.column(3).AppendNested();
  };
  row(3, 1'234'567);
  row(std::nullopt, std::nullopt);
  row(4, 0);
  row(-1, 0);
  row(0, -1);
  const Written written = WriteAndSeal(writer, *builder.Finish());
  REQUIRE(written.records.size() == 2);
  CHECK(written.records[0].partition == 3);
  CHECK(written.records[0].timestamp_ms == 1234);
  REQUIRE(written.records[0].headers.size() == 2);
  CHECK(written.records[0].headers[0].first == "name");
  CHECK(written.records[0].headers[0].second == "bytes");
  CHECK_FALSE(written.records[0].headers[1].second.has_value());
  CHECK_FALSE(written.records[1].partition.has_value());
  CHECK(written.records[1].timestamp_ms == 5000);
  REQUIRE(written.rejected.size() == 3);
  CHECK(written.rejected[0].record == 2);
  CHECK(written.rejected[0].code->id == errors::kNoSuchPartition.id);
  CHECK(written.rejected[1].code->id == errors::kNoSuchPartition.id);
  CHECK(written.rejected[2].record == 4);
  CHECK(written.rejected[2].code->id == errors::kBadTimestamp.id);
}

TEST_CASE("a record above the topic's limit is rejected, the largest below it is not") {
  Fixture fixture;
  Writer writer = fixture.Make();
  BatchBuilder builder(
      std::make_shared<const Schema>(std::vector<Field>{{"value", TypeKind::kString}}));
  size_t largest = 0;
  OutboxRecord record;
  for (std::string value; value.size() <= 1000; value += "x") {
    record.value = value;
    if (LargestWireSize(record) <= 1000) largest = value.size();
  }
  builder.column(0).AppendText(std::string(largest, 'x'));
  builder.column(0).AppendText(std::string(largest + 1, 'x'));
  builder.column(0).AppendText("small");
  const Written written = WriteAndSeal(writer, *builder.Finish());
  CHECK(written.records.size() == 2);
  REQUIRE(written.rejected.size() == 1);
  CHECK(written.rejected[0].record == 1);
  CHECK(written.rejected[0].code->id == errors::kRecordTooLarge.id);
}

TEST_CASE("epochs are sealed apart, and one without rows has no bytes") {
  Fixture fixture;
  Writer writer = fixture.Make();
  const auto schema =
      std::make_shared<const Schema>(std::vector<Field>{{"value", TypeKind::kString}});
  CHECK(writer.Seal({1}, false)->bytes.empty());
  BatchBuilder builder(schema);
  builder.column(0).AppendText(std::string(5000, 'x'));  // Rejected: nothing is written.
  CHECK(WriteAndSeal(writer, *builder.Finish()).sealed.empty());
  builder.column(0).AppendText("a");
  const auto batch = builder.Finish();
  const Written first = WriteAndSeal(writer, *batch);
  CHECK(first.records.size() == 1);
  CHECK(writer.PendingBytes() == 0);
  const Written second = WriteAndSeal(writer, *batch);
  CHECK(first.sealed.bytes == second.sealed.bytes);
}

TEST_CASE("columns of a wrong type for their option are told") {
  const Schema schema({{"a", TypeKind::kString}, {"b", TypeKind::kInt64}, {"c", kHeaders}});
  CHECK(CheckSinkColumns(schema, {0, 1, 2, 1}).ok());
  CHECK(CheckSinkColumns(schema, {-1, 0, -1, -1}).Is(errors::kSinkOption));
  CHECK(CheckSinkColumns(schema, {-1, -1, 0, -1}).Is(errors::kSinkOption));
  CHECK(CheckSinkColumns(schema, {-1, -1, -1, 2}).Is(errors::kSinkOption));
}

}  // namespace weir::kafka
