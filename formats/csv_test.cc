#include "formats/csv.h"

#include "formats/errors.h"
#include "formats/random_rows.h"
#include "formats/raw.h"
#include "formats/splitter.h"
#include "formats/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Below;
using testing::Decode;
using testing::Random;

std::vector<ColumnDeclaration> Declare(
    std::initializer_list<std::pair<std::string, std::string>> columns) {
  std::vector<ColumnDeclaration> declared;
  for (const auto& [name, type] : columns) declared.push_back(testing::Declared(name, type));
  return declared;
}

TEST_CASE("csv fields become columns by order") {
  const auto columns = Declare({{"a", "int64"}, {"b", "string"}, {"c", "double"}});
  const auto csv = MakeCsvDecoder(columns, {}, {0, 1, 2}).value();
  CHECK(Decode(*csv, {"1,x,2.5", "007,\"a \"\"b\"\", c\",+1", ",,", "2,\"\",3\r\n"}) ==
        R"(1,"x",2.5 | 7,"a \"b\", c",1.0 | null,null,null | 2,"",3.0)");
  CHECK(Decode(*csv, {"1,x", "1,x,2,3", "x,y,1", "1,a\"b,1", "1,\"a,1", "1,\"a\"b,1", "",
                      std::string_view(), "1,\xff,1", "1,a\nb,1"}) ==
        "!F003 | !F003 | !F002 | !F001 | !F001 | !F001 | !F004 | !F004 | !F001 | !F001");
  const auto projected = MakeCsvDecoder(columns, {}, {2}).value();
  CHECK(Decode(*projected, {"oops,x,4", "1,2"}) == "4.0 | !F003");
}

TEST_CASE("csv says which field is wrong") {
  const auto csv =
      MakeCsvDecoder(Declare({{"n", "int32"}, {"t", "timestamp"}}), {}, {0, 1}).value();
  std::vector<Rejection> told;
  CHECK(Decode(*csv, {"1,2026-01-02 00:00:00Z", "1.5,0", "1,late", "1,1500"}, &told) ==
        "1,1767312000000 | !F002 | !F002 | 1,1500");
  CHECK(told[0].reason == "n: expected int32, got 1.5");
}

TEST_CASE("csv with a header finds columns by name") {
  CsvOptions options;
  options.header = true;
  options.delimiter = ";";
  auto columns = Declare({{"b", "string"}, {"a", "int64"}});
  columns[1].from = "A number";
  const auto csv = MakeCsvDecoder(columns, options, {0, 1}).value();
  REQUIRE(csv->HasHeader());
  REQUIRE(csv->TakeHeader("\xef\xbb\xbfx;A number;b").ok());
  CHECK(Decode(*csv, {"0;5;t", "5;t"}) == R"("t",5 | !F003)");
  const Status missing = csv->TakeHeader("x;b");
  REQUIRE(missing.Is(errors::kWrongHeader));
  CHECK(missing.message() == "no column 'A number' in the line of column names (x;b)");
}

TEST_CASE("csv null text stands without quotes") {
  CsvOptions options;
  options.null_text = "-";
  const auto csv =
      MakeCsvDecoder(Declare({{"a", "string"}, {"b", "string"}}), options, {0, 1}).value();
  CHECK(Decode(*csv, {"-,\"-\"", ","}) == R"(null,"-" | "","")");
}

TEST_CASE("csv records in a file may have line breaks in quotes") {
  const std::string file = "a,\"x\ny\"\r\n\nb,\"\"\"\n\"\nc,z";
  std::vector<std::string_view> records;
  const auto splitter = MakeCsvSplitter();
  const size_t used = splitter->Split(file, false, records).value();
  CHECK(records == std::vector<std::string_view>{"a,\"x\ny\"", "b,\"\"\"\n\""});
  REQUIRE(splitter->Split(std::string_view(file).substr(used), true, records).value() == 3);
  CHECK(records.back() == "c,z");
}

TEST_CASE("a record of a file that never ends is an error") {
  const std::string endless(kLongestRecord + 1, 'x');
  std::vector<std::string_view> records;
  CHECK(MakeLineSplitter()->Split(endless, false, records).status().Is(errors::kRecordTooLong));
  CHECK(MakeCsvSplitter()->Split(endless, false, records).status().Is(errors::kRecordTooLong));
}

TEST_CASE("random rows come back from csv as they were") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 200; round++) {
    const SchemaPtr schema = testing::RandomSchema(random, 2);
    const BatchPtr batch = testing::RandomBatch(random, schema, 20);
    CsvOptions options;
    if (round % 2 == 1) options.delimiter = ";";
    if (round % 3 == 1) options.null_text = "null";
    if (round % 4 == 1) options.timestamps = TimestampStyle::kIso8601;
    const auto encoder = MakeCsvEncoder(*schema, options);
    std::string file;
    for (size_t r = 0; r < batch->rows(); r++) {
      REQUIRE(encoder->Encode(*batch, r, file).ok());
      file += '\n';
    }
    std::vector<std::string_view> records;
    REQUIRE(MakeCsvSplitter()->Split(file, true, records).value() == file.size());
    REQUIRE(records.size() == batch->rows());
    std::vector<ColumnDeclaration> declared;
    std::vector<int> wanted;
    for (const Field& field : schema->fields()) {
      ColumnDeclaration column;
      column.name = field.name;
      column.type = field.type;
      wanted.push_back(static_cast<int>(declared.size()));
      declared.push_back(column);
    }
    const auto decoder = MakeCsvDecoder(declared, options, wanted).value();
    BatchBuilder builder(schema);
    std::vector<Rejection> rejected;
    REQUIRE(decoder->Decode(records, builder, rejected).ok());
    if (!rejected.empty()) FAIL(rejected[0].reason << " in " << records[rejected[0].record]);
    const BatchPtr back = builder.Finish();
    for (size_t c = 0; c < schema->size(); c++) {
      for (size_t r = 0; r < batch->rows(); r++) {
        std::string was;
        std::string is;
        AppendJsonValue(was, batch->column(c), r);
        AppendJsonValue(is, back->column(c), r);
        // An empty sequence of bytes has no text to tell it from null.
        const bool empty_bytes = (*schema)[c].type.Is(TypeKind::kBytes) && was == "\"\"";
        INFO((*schema)[c].type.ToString() << " in " << records[r]);
        REQUIRE((is == was || empty_bytes));
      }
    }
  }
}

TEST_CASE("no bytes at all make the csv decoder stumble") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  const auto csv =
      MakeCsvDecoder(Declare({{"a", "list<int64>"}, {"b", "string"}, {"c", "date"}}), {}, {0, 1, 2})
          .value();
  for (int round = 0; round < 30000; round++) {
    std::string record = "\"[1,2]\",\"a \"\"quoted\"\" one\",2026-01-02";
    for (uint64_t n = Below(random, 5); n > 0; n--) {
      record[Below(random, record.size())] = static_cast<char>(random());
    }
    record.resize(Below(random, record.size() + 1));
    const std::string text = Decode(*csv, {"[1],x,2026-01-02", record, "[1],x,2026-01-02"});
    REQUIRE(text.starts_with(R"([1],"x","2026-01-02" | )"));
    REQUIRE(text.ends_with(R"( | [1],"x","2026-01-02")"));
  }
}

TEST_CASE("raw records stay as they are") {
  Diagnostics diagnostics;
  const auto decoding = RawFormat().PlanDecoding({}, diagnostics);
  REQUIRE(decoding);
  const auto decoder = decoding->MakeDecoder({}, {0}).value();
  CHECK(Decode(*decoder, {"a\x01", "", std::string_view()}) == R"("YQE=" | "" | null)");
  const Schema schema({{"v", TypeKind::kBytes}});
  const auto encoding = RawFormat().PlanEncoding({}, schema, diagnostics);
  REQUIRE(encoding);
  const auto encoder = encoding->MakeEncoder({}).value();
  BatchBuilder builder(std::make_shared<const Schema>(schema));
  builder.column(0).AppendText("x\ny");
  std::string out;
  REQUIRE(encoder->Encode(*builder.Finish(), 0, out).ok());
  CHECK(out == "x\ny");
  CHECK_FALSE(RawFormat().PlanEncoding({}, Schema({{"n", TypeKind::kInt64}}), diagnostics));
}

}  // namespace
}  // namespace weir
