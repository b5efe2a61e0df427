#include "formats/avro_encoder.h"

#include "base/hex.h"
#include "formats/errors.h"
#include "formats/json_value.h"
#include "formats/random_rows.h"
#include "formats/testing/avro.h"

namespace weir {
namespace {

using testing::Columns;
using testing::Fields;

Schema Of(const std::string& name, const std::string& type) {
  return Schema({{name, Type::Parse(type).value()}});
}

/// The bytes of one row whose one column `a` has the JSON `value`, as hex, or the error.
std::string Written(const std::string& type, std::string_view value, const AvroSchemaPtr& schema) {
  const auto made = MakeAvroEncoder(Of("a", type), schema);
  if (!made.ok()) return made.status().ToString();
  BatchBuilder builder(std::make_shared<const Schema>(Of("a", type)));
  JsonReader reader(value);
  std::string scratch;
  ValueFault fault;
  REQUIRE(AppendJson(reader, TimeReader(), builder.column(0), scratch, fault));
  std::string out = "kept";
  const Status status = (*made)->Encode(*builder.Finish(), 0, out);
  REQUIRE(out.starts_with("kept"));
  if (!status.ok()) CHECK(out == "kept");
  return status.ok() ? Hex(out.substr(4)) : status.message();
}

std::string Written(const std::string& type, std::string_view value, std::string_view avro) {
  return Written(type, value, Fields(fmt::format(R"({{"name":"a","type":{}}})", avro)));
}

TEST_CASE("values are written by their field's type") {
  CHECK(Written("int64", "27", "\"long\"") == "36");
  CHECK(Written("int64", "27", "\"int\"") == "36");
  CHECK(Written("string", "\"foo\"", R"(["null","string"])") == "0206666f6f");
  CHECK(Written("string", "null", R"(["string","null"])") == "02");
  CHECK(Written("string", "\"B\"", R"({"type":"enum","name":"E","symbols":["A","B"]})") == "02");
  CHECK(Written("timestamp", "1.999", R"({"type":"long","logicalType":"timestamp-millis"})") ==
        "02");
  CHECK(Written("timestamp", "-0.001", R"({"type":"long","logicalType":"timestamp-millis"})") ==
        "01");
  CHECK(Written("decimal(5,2)", "-1.5",
                R"({"type":"bytes","logicalType":"decimal","precision":9,"scale":3})") == "04fa24");
  CHECK(
      Written(
          "decimal(5,2)", "-1.5",
          R"({"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":9,"scale":2})") ==
      "ffffff6a");
  CHECK(Written("list<int32>", "[3,27]", R"({"type":"array","items":"long"})") == "04063600");
  CHECK(Written("json", R"({"x":1})", "\"string\"") == "0e7b2278223a317d");
  CHECK(Written("json", "[1,2]", R"(["string",{"type":"array","items":"int"}])") == "0204020400");
  // The branch of just this type, though another has room for it.
  CHECK(Written("int32", "1", R"(["null","long","int"])") == "0402");
}

TEST_CASE("columns that do not fit are told once, with both types") {
  CHECK(Written("string", "\"x\"", "\"int\"") ==
        "WEIR-F032: column 'a' is string, and its field in the Avro schema int. cast the column in "
        "a step, or change the field's type");
  CHECK(Written("timestamp", "1", "\"long\"").starts_with("WEIR-F032: column 'a' is timestamp"));
  CHECK(Written("struct<x:int64>", R"({"x":1})",
                R"({"type":"record","name":"P","fields":[{"name":"x","type":"string"}]})")
            .starts_with("WEIR-F032: column 'a.x' is int64"));
  CHECK(Written("int32", "1", Fields(R"({"name":"b","type":"int","default":1})"))
            .starts_with("WEIR-F032: column 'a' is no field of record R"));
  CHECK(Written("int32", "1", Fields(R"({"name":"a","type":"int"},{"name":"b","type":"int"})"))
            .starts_with("WEIR-F032: field 'b' of the Avro schema has no column and no default"));
  CHECK(Written("int32", "1",
                Fields(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":2})")) ==
        "0204");
}

TEST_CASE("a value that does not fit is told with its field, and nothing is written") {
  const std::string row = "the row does not fit the Avro schema: ";
  CHECK(Written("int32", "null", "\"int\"") == row + "a: null in int");
  CHECK(Written("int64", "3000000000", "\"int\"") ==
        row + "a: '3000000000' has more than 32 bits, in int");
  CHECK(Written("string", "\"C\"", R"({"type":"enum","name":"E","symbols":["A","B"]})") ==
        row + "a: 'C' is none of its symbols, in enum E");
  CHECK(Written("decimal(5,2)", "999.99",
                R"({"type":"bytes","logicalType":"decimal","precision":4,"scale":2})") ==
        row + "a: 'the number' has more digits, in bytes (decimal(4,2))");
  CHECK(Written("bytes", "\"AQI=\"", R"({"type":"fixed","name":"F","size":3})")
            .starts_with(row + "a: "));
  CHECK(Written("string", "\"x\"", R"({"type":"string","logicalType":"uuid"})") ==
        row + "a: 'x' is no uuid, in string (uuid)");
  CHECK(
      Written(
          "list<struct<x:int32>>", R"([{"x":1},{"x":null}])",
          R"({"type":"array","items":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}})") ==
      row + "a[1].x: null in int");
  CHECK(Written("json", R"({"x":"y"})",
                R"({"type":"record","name":"P","fields":[{"name":"x","type":"int"}]})") ==
        row + "a.x: expected int, got \"y\"");
}

TEST_CASE("a derived schema takes every row, and gives it back") {
  testing::Random random(7);
  size_t rows = 0;
  for (int round = 0; round < 60; round++) {
    std::vector<Field> fields;
    const SchemaPtr plain = testing::RandomSchema(random, 0);
    for (const Field& field : plain->fields()) {
      fields.push_back({"c" + std::to_string(fields.size()), field.type});
    }
    fields.push_back({"l", Type::List(Type::Struct({{"x", testing::RandomType(random, 0)},
                                                    {"y", testing::RandomType(random, 0)}}))});
    fields.push_back({"m", Type::Map(testing::RandomType(random, 0))});
    const auto schema = std::make_shared<const Schema>(std::move(fields));
    const auto text = AvroSchemaOf(*schema, "some.Rows");
    REQUIRE(text.ok());
    const auto avro = testing::Parsed(*text);
    const auto encoder = MakeAvroEncoder(*schema, avro);
    REQUIRE(encoder.ok());
    const BatchPtr batch = testing::RandomBatch(random, schema, 20);
    std::vector<std::string> bytes(batch->rows());
    for (size_t r = 0; r < batch->rows(); r++) {
      const Status status = (*encoder)->Encode(*batch, r, bytes[r]);
      INFO(status.ToString());
      REQUIRE(status.ok());
    }
    const AvroColumns columns = Columns(avro);
    const auto program = AvroProgram::Make(avro, columns).value();
    BatchBuilder out(columns.schema());
    std::vector<Rejection> rejected;
    const std::vector<std::string_view> payloads(bytes.begin(), bytes.end());
    AvroDecoder().Decode(*program, payloads, out, rejected);
    REQUIRE(rejected.empty());
    const BatchPtr read = out.Finish();
    for (size_t c = 0; c < schema->size(); c++) {
      // A column of json has become one of strings.
      if (!((*columns.schema())[c].type == (*schema)[c].type)) continue;
      for (size_t r = 0; r < batch->rows(); r++, rows++) {
        std::string want;
        std::string have;
        AppendJsonValue(want, batch->column(c), r);
        AppendJsonValue(have, read->column(c), r);
        REQUIRE(have == want);
      }
    }
  }
  CHECK(rows > 3000);
}

TEST_CASE("a derived schema needs names that Avro has") {
  CHECK(AvroSchemaOf(Of("a b", "int32"), "R").status().Is(errors::kAvroTypes));
  CHECK(AvroSchemaOf(Of("a", "int32"), "R-1").status().Is(errors::kAvroSchema));
}

}  // namespace
}  // namespace weir
