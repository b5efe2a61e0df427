#include "formats/avro_decoder.h"

#include "formats/errors.h"
#include "formats/random_rows.h"
#include "formats/testing/avro.h"

namespace weir {
namespace {

using testing::Columns;
using testing::Declared;
using testing::Decode;
using testing::Fields;
using testing::Parsed;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("the specification's own examples of Avro binary") {
  // {"a": 27, "b": "foo"} is 36 06 66 6f 6f.
  const auto test = Fields(R"({"name":"a","type":"long"},{"name":"b","type":"string"})");
  CHECK(Decode(test, {"\x36\x06"
                      "foo"}) == "27,\"foo\"");
  // The array [3, 27] is 04 06 36 00, also with its size before it.
  const auto list = Fields(R"({"name":"l","type":{"type":"array","items":"long"}})");
  CHECK(Decode(list, {"\x04\x06\x36\x00"sv, "\x03\x04\x06\x36\x00"sv, "\x02\x06\x02\x36\x00"sv,
                      "\x00"sv}) == "[3,27] | [3,27] | [3,27] | []");
  // Of ["null","string"] null is 00, and "a" is 02 02 61.
  const auto text = Fields(R"({"name":"u","type":["null","string"]})");
  CHECK(Decode(text, {"\x00"sv, "\x02\x02\x61"}) == "null | \"a\"");
  // 0, -1, 1, -2, 2, -64, 64 are 00 01 02 03 04 7f 80 01.
  const auto number = Fields(R"({"name":"n","type":"int"})");
  CHECK(Decode(number, {"\x00"sv, "\x01", "\x02", "\x03", "\x04", "\x7f", "\x80\x01"}) ==
        "0 | -1 | 1 | -2 | 2 | -64 | 64");
}

TEST_CASE("a record that is not whole is refused, with the field and why, and leaves nothing") {
  const auto schema = Fields(
      R"({"name":"a","type":"int"},{"name":"t","type":"string"},{"name":"u","type":["null","int"]})");
  const std::vector<std::string_view> payloads = {
      "\x02\x02"
      "x\x00"sv,      // Good.
      ""sv,           // Nothing.
      "\x02\x04x"sv,  // A string that is longer than what is left.
      "\x02\x01"sv,   // A length of -1.
      "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,
      "\x02\x02x\x04"sv,   // No such branch.
      "\x02\x02x\x00!"sv,  // More behind it.
      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv,
      "\x80\x80\x80\x80\x20\x00\x00"sv,  // 2^32 in an int.
      "\x02\x02\xff\x00"sv,              // No UTF-8.
      std::string_view(),                // A tombstone.
      "\x04\x00\x02\x06"sv};             // Good.
  std::vector<Rejection> told;
  CHECK(Decode(schema, payloads, &told) ==
        "1,\"x\",null | !F001 | !F001 | !F001 | !F001 | !F001 | !F001 | !F001 | !F001 | !F002 | "
        "!F004 | 2,\"\",3");
  CHECK(told[0].reason == "a: not a record of this schema: the record ends too early");
  CHECK(told[2].reason == "t: not a record of this schema: a length is negative");
  CHECK(told[4].reason == "u: not a record of this schema: branch 2 of a union of 2");
  CHECK(told[5].reason == "not a record of this schema: 1 bytes are left behind its last field");
  CHECK(told[7].reason == "a: not a record of this schema: an int of more than 32 bits");
}

TEST_CASE("blocks whose counts and sizes lie are refused without memory for them") {
  const auto list = Fields(R"({"name":"l","type":{"type":"array","items":"long"}})");
  // 2^62 elements; the least number there is; a block longer than the record.
  CHECK(Decode(list, {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x02"sv,
                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x02"sv, "\x01\x40\x02\x00"sv,
                      "\x01\x01\x02\x00"sv, "\x04\x02"sv}) ==
        "!F001 | !F001 | !F001 | !F001 | !F001");
  // Elements of no bytes: a few are a list, 2^40 are not.
  const auto nulls = Fields(R"({"name":"l","type":{"type":"array","items":"null"}})");
  CHECK(Decode(nulls, {"\x06\x00"sv, "\x80\x80\x80\x80\x80\x80\x01\x00"sv}) ==
        "[null,null,null] | !F001");
  // Where nobody wants them they take no time either.
  const AvroColumns none = AvroColumns::Make(nulls, {}, {}).value();
  const auto program = AvroProgram::Make(nulls, none).value();
  BatchBuilder out(none.schema());
  std::vector<Rejection> rejected;
  const std::vector<std::string_view> huge = {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"sv};
  AvroDecoder().Decode(*program, huge, out, rejected);
  CHECK(rejected.empty());
  CHECK(out.rows() == 1);
}

TEST_CASE("a record that is nested without end is refused") {
  const auto schema = Fields(
      R"({"name":"n","type":{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}})");
  const std::string deep(100000, '\x02');
  const std::string some = std::string(50, '\x02') + '\0';
  CHECK(AvroColumns::SchemaOf(*schema, {}).status().ToString() ==
        "WEIR-F021: column 'n'.next: record N holds itself, which no column can. leave the field "
        "out of 'columns', or declare it as json");
  const AvroColumns json = Columns(schema, {Declared("n", "json")});
  const std::string told = Decode(schema, json, {some, deep});
  CHECK(told.substr(0, 20) == R"({"next":{"next":{"ne)");
  CHECK(told.substr(told.size() - 5) == "!F005");
  const AvroColumns none = AvroColumns::Make(schema, {}, {}).value();
  CHECK(Decode(schema, none, {some, deep}) == " | !F005");
}

TEST_CASE("every type of Avro has one of weir's") {
  const auto schema = Fields(
      R"({"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"f","type":"float"},
         {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
         {"name":"x","type":{"type":"fixed","name":"X","size":2}},
         {"name":"d","type":{"type":"int","logicalType":"date"}},
         {"name":"ms","type":{"type":"long","logicalType":"timestamp-millis"}},
         {"name":"us","type":{"type":"long","logicalType":"local-timestamp-micros"}},
         {"name":"tm","type":{"type":"int","logicalType":"time-millis"}},
         {"name":"n","type":{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}},
         {"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},
         {"name":"m","type":{"type":"map","values":["null","long"]}},
         {"name":"r","type":{"type":"record","name":"P","fields":[{"name":"y","type":"double"}]}},
         {"name":"j","type":["int","string",{"type":"array","items":"P"}]},
         {"name":"o","type":{"type":"long","logicalType":"timestamp-nanos"}})");
  CHECK(AvroColumns::SchemaOf(*schema, {}).value()->ToString() ==
        "b bool, i int32, f float, e string, x bytes, d date, ms timestamp, us timestamp, "
        "tm int32, n decimal(5,2), u string, m map<string,int64>, r struct<y:double>, j json, "
        "o int64");
  std::string payload = "\x01\x03"s;
  payload += "\x00\x00\xc0\x3f\x02\x01\x02\x02\xd0\x0f\xd0\x0f\x06\x04\xfb\x2e"sv;
  payload += "\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"sv;
  payload += "\x02\x02k\x02\x0a\x00"sv;
  payload += "\x00\x00\x00\x00\x00\x00\xf8\x3f"sv;
  payload += "\x04\x02\x00\x00\x00\x00\x00\x00\xf8\x3f\x00"sv;
  payload += "\x02"sv;
  CHECK(Decode(schema, {payload}) ==
        R"(true,-2,1.5,"B","AQI=","1970-01-02",1000,1,3,-12.34,)"
        R"("6ba7b810-9dad-11d1-80b4-00c04fd430c8",{"k":5},{"y":1.5},[{"y":1.5}],1)");
}

TEST_CASE("declared columns pick, rename, reach into records and retype") {
  const auto schema = Fields(
      R"({"name":"id","type":"int"},
         {"name":"at","type":["null",{"type":"record","name":"A","fields":[
            {"name":"city","type":"string"},{"name":"zip","type":"long"}]}]},
         {"name":"when","type":"string"},{"name":"s","type":"long"})");
  const std::string_view whole =
      "\x02\x02\x02x\x0a\x14"
      "2026-01-02\x06"sv;
  const std::string_view without =
      "\x04\x00\x14"
      "2026-01-03\x08"sv;
  ColumnDeclaration seconds = Declared("s", "timestamp");
  seconds.unit = "s";
  const AvroColumns columns =
      Columns(schema, {Declared("town", "string", "at.city"), Declared("n", "int64", "id"),
                       Declared("day", "date", "when"), seconds, Declared("all", "json", "at"),
                       Declared("part", "struct<zip:int64>", "at")});
  CHECK(Decode(schema, columns, {whole, without}) ==
        R"("x",1,"2026-01-02",3000,{"city":"x","zip":5},{"zip":5} | )"
        R"(null,2,"2026-01-03",4000,null,null)");
  const auto refused = AvroColumns::SchemaOf(*schema, {Declared("id", "bool")});
  CHECK(refused.status().ToString() ==
        "WEIR-F021: column 'id': bool is not read from int. declare it as int32, and cast it in a "
        "step");
  CHECK(AvroColumns::SchemaOf(*schema, {Declared("id", "int32", "at.town")})
            .status()
            .Is(errors::kFormatColumns));
}

TEST_CASE("units of times that both schemas name are converted") {
  const auto writer =
      Fields(R"({"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}})");
  const auto reader =
      Fields(R"({"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}})");
  CHECK(Decode(writer, Columns(reader), {"\xd0\x0f"}) == "1");
  CHECK(Decode(reader, Columns(writer), {"\x02"}) == "1");
  CHECK(Decode(writer, Columns(reader, {Declared("t", "int64")}), {"\xd0\x0f"}) == "1");
}

TEST_CASE("the reader's schema promotes, renames by alias, and fills what was not written") {
  const auto writer = Fields(
      R"({"name":"n","type":"int"},{"name":"old","type":"string"},
         {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}})");
  const auto reader = Fields(
      R"({"name":"e","type":{"type":"enum","name":"E","symbols":["B","Z"],"default":"Z"}},
         {"name":"new","aliases":["old"],"type":["null","string"]},
         {"name":"n","type":"float"},{"name":"more","type":["null","long"],"default":7},
         {"name":"p","type":{"type":"record","name":"P","fields":[{"name":"x","type":"string","default":"y"}]},"default":{}})");
  // 2^24 + 1, which a float does not hold, also where its column is a double.
  const std::string_view payload = "\x82\x80\x80\x10\x02s\x00"sv;
  CHECK(Decode(writer, Columns(reader), {payload, "\x02\x02t\x02"}) ==
        R"("Z","s",16777216.0,7,{"x":"y"} | "B","t",1.0,7,{"x":"y"})");
  CHECK(Decode(writer, Columns(reader, {Declared("n", "double")}), {payload}) == "16777216.0");
}

TEST_CASE("a schema that can't be read is told with its field") {
  const auto writer = Fields(R"({"name":"a","type":"string"})");
  const auto reader = Fields(R"({"name":"a","type":"int"},{"name":"b","type":"int"})");
  const auto made = AvroProgram::Make(writer, Columns(reader));
  REQUIRE_FALSE(made.ok());
  CHECK(made.status().Is(errors::kAvroResolution));
  CHECK(made.status().message() == "a: string is not read as int");
  // What no column wants need not be there.
  CHECK(AvroProgram::Make(writer, AvroColumns::Make(reader, {}, {}).value()).ok());
}

TEST_CASE("no change of a record's bytes does harm") {
  testing::Random random(20261122);
  const auto schema = Fields(
      R"({"name":"a","type":"string"},{"name":"l","type":{"type":"array","items":["null","string"]}},
         {"name":"m","type":{"type":"map","values":"bytes"}},
         {"name":"j","type":["long",{"type":"record","name":"J","fields":[
            {"name":"x","type":{"type":"array","items":"J"}},{"name":"y","type":"double"}]}]},
         {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}})");
  const std::string good =
      "\x06"
      "abc\x04\x00\x02\x02x\x00\x02\x02k\x04zz\x00\x02\x02\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00"
      "\x00\x00\x00\x00\x00\x00\xf0\x3f\x04\x01\x02"s;
  const AvroColumns all = Columns(schema);
  const AvroColumns few = AvroColumns::Make(schema, {}, {4}).value();
  REQUIRE(Decode(schema, all, {good}).find('!') == std::string::npos);
  size_t refused = 0;
  constexpr int kRounds = 20000;
  for (int round = 0; round < kRounds; round++) {
    std::string bytes = good;
    for (uint64_t n = 1 + testing::Below(random, 4); n > 0; n--) {
      const size_t at = testing::Below(random, bytes.size());
      switch (testing::Below(random, 4)) {
        case 0:
          bytes.resize(at + 1);
          break;
        case 1:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
        default:
          bytes[at] = static_cast<char>(random());
      }
    }
    // A copy of just its size: whatever is read beyond it is found by the sanitizers.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const std::string_view payload(exact.data(), exact.size());
    refused += Decode(schema, all, {good, payload, good}).find('!') != std::string::npos ? 1 : 0;
    Decode(schema, few, {payload});
  }
  CHECK(refused > kRounds / 4);
  CHECK(refused < kRounds);
}

}  // namespace
}  // namespace weir
