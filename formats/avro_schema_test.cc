#include "formats/avro_schema.h"

#include "formats/avro_columns.h"
#include "formats/avro_compatibility.h"
#include "formats/avro_decoder.h"
#include "formats/errors.h"
#include "formats/random_rows.h"
#include "formats/testing/avro.h"

namespace weir {
namespace {

using testing::Fields;
using testing::Parsed;

std::string Fault(std::string_view json) {
  const auto schema = AvroSchema::Parse(json);
  return schema.ok() ? "ok" : schema.status().message();
}

TEST_CASE("a schema that is none is told with its place and why") {
  const auto field = [](std::string_view type) {
    return Fault(fmt::format(
        R"({{"type":"record","name":"R","fields":[{{"name":"a","type":"int"}},{{"name":"b",{}}}]}})",
        type));
  };
  CHECK(Fault("{") == "the Avro schema: is not JSON, at character 2");
  CHECK(Fault("\"strng\"") == "the Avro schema: no type 'strng'");
  CHECK(field(R"("type":"strng")") == "the Avro schema at b: no type 'strng'");
  CHECK(field(R"("type":{"type":"array","items":{"type":"map","values":"X"}})") ==
        "the Avro schema at b[][]: no type 'X'");
  CHECK(field(R"("type":["null",["int"]])") ==
        "the Avro schema at b[1]: a union straight inside a union");
  CHECK(field(R"("type":["int","int"])") == "the Avro schema at b[1]: int twice");
  CHECK(field(R"("type":{"type":"fixed","name":"F","size":-1})") ==
        "the Avro schema at b: 'size' is no number of bytes up to 16777216");
  CHECK(field(R"("type":{"type":"enum","name":"E","symbols":["A","A"]})") ==
        "the Avro schema at b: the symbol 'A' twice");
  CHECK(field(R"("type":{"type":"record","name":"R","fields":[]})") ==
        "the Avro schema at b: the type 'R' is defined twice");
  CHECK(field(R"("type":"int","default":"x")") ==
        "the Avro schema at b: the default: expected int, got \"x\"");
  CHECK(
      field(
          R"("type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},"default":{})") ==
      "the Avro schema at b: the default.x: is missing, and has no default");
  CHECK(Fault(R"({"type":"record","name":"1R","fields":[]})") ==
        "the Avro schema: '1R' is no name (letters, digits and _, not a digit first)");
  CHECK(Fault(std::string(200, '[')) == "the Avro schema: deeper than 128 levels");
  CHECK(Fault(std::string((1 << 20) + 1, ' ')) == "the Avro schema: longer than 1048576 bytes");
}

TEST_CASE("names take the namespace around them, and are found by it") {
  const auto schema = Parsed(
      R"({"type":"record","name":"R","namespace":"a.b","doc":"x","fields":[
        {"name":"e","type":{"type":"enum","name":"E","aliases":["Old"],"symbols":["X"],"default":"X"},"doc":"y"},
        {"name":"f","type":["null","E"],"default":null},
        {"name":"g","type":{"type":"fixed","name":"c.F","size":4}},
        {"name":"h","type":"c.F","order":"ignore"}]})");
  const std::string text =
      R"({"type":"record","name":"a.b.R","fields":[{"name":"e","type":{"type":"enum",)"
      R"("name":"a.b.E","aliases":["a.b.Old"],"symbols":["X"],"default":"X"}},{"name":"f",)"
      R"("type":["null","a.b.E"],"default":null},{"name":"g","type":{"type":"fixed",)"
      R"("name":"c.F","size":4}},{"name":"h","type":"c.F"}]})";
  CHECK(schema->normalised() == text);
  CHECK(Parsed(text)->normalised() == text);
}

TEST_CASE("logical types that are not known, or make no sense, are not there") {
  const auto logical = [](std::string_view type) { return Parsed(type)->root().logical; };
  CHECK(logical(R"({"type":"long","logicalType":"timestamp-millis"})") ==
        AvroLogical::kTimestampMillis);
  CHECK(logical(R"({"type":"int","logicalType":"timestamp-millis"})") == AvroLogical::kNone);
  CHECK(logical(R"({"type":"int","logicalType":"what"})") == AvroLogical::kNone);
  CHECK(logical(R"({"type":"bytes","logicalType":"decimal","precision":4,"scale":5})") ==
        AvroLogical::kNone);
  CHECK(logical(R"({"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5})") ==
        AvroLogical::kNone);
  CHECK(logical(R"({"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4})") ==
        AvroLogical::kDecimal);
}

TEST_CASE("a schema whose defaults or fields multiply is refused in no time") {
  // Each record's default holds two of the one before it.
  std::string fields;
  std::string before = "\"int\"";
  std::string value = "1";
  for (int i = 0; i < 40; i++) {
    fields += fmt::format(
        R"({}{{"name":"f{}","type":{{"type":"record","name":"R{}","fields":[{{"name":"x","type":{},"default":{}}},{{"name":"y","type":{},"default":{}}}]}}}})",
        i > 0 ? "," : "", i, i, before, value, before, value);
    before = fmt::format("\"R{}\"", i);
    value = "{}";
  }
  CHECK(Fault(fmt::format(R"({{"type":"record","name":"R","fields":[{}]}})", fields))
            .find("too deep or too long") != std::string::npos);
  // The same without defaults is a schema, but nothing that columns could hold.
  std::string plain;
  before = "\"int\"";
  for (int i = 0; i < 25; i++) {
    plain += fmt::format(
        R"({}{{"name":"f{}","type":{{"type":"record","name":"R{}","fields":[{{"name":"x","type":{}}},{{"name":"y","type":{}}}]}}}})",
        i > 0 ? "," : "", i, i, before, before);
    before = fmt::format("\"R{}\"", i);
  }
  const auto schema = Fields(plain);
  CHECK(AvroColumns::SchemaOf(*schema, {}).status().message().find("nested") != std::string::npos);
}

TEST_CASE("no change of a schema's text does harm") {
  testing::Random random(20261122);
  const std::string good =
      R"({"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":["null","R"],"default":null},)"
      R"({"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"],"default":"X"},"default":"Y"},)"
      R"({"name":"d","type":{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":3}},)"
      R"({"name":"l","type":{"type":"array","items":{"type":"map","values":"E"}},"default":[{"k":"X"}]}]})";
  const std::vector<std::string> pieces = {"{",           "}",    "[",    "]",  "\"R\"",
                                           "\"E\"",       "null", ",",    ":",  "\"type\"",
                                           "\"default\"", "-1",   "1e99", "{}", "\\u0000"};
  const auto base = Parsed(good);
  size_t read = 0;
  constexpr int kRounds = 5000;
  for (int round = 0; round < kRounds; round++) {
    std::string text = good;
    for (uint64_t n = 1 + testing::Below(random, 3); n > 0; n--) {
      const size_t at = testing::Below(random, text.size());
      const size_t from = testing::Below(random, text.size());
      switch (testing::Below(random, 4)) {
        case 0:
          text.erase(at, testing::Below(random, 12));
          break;
        case 1:
          text.insert(at, pieces[testing::Below(random, pieces.size())]);
          break;
        case 2:
          text.insert(at, text.substr(from, testing::Below(random, 40)));
          break;
        default:
          text[at] = static_cast<char>(random());
      }
    }
    const auto schema = AvroSchema::Parse(text);
    if (!schema.ok()) continue;
    read++;
    CannotRead(**schema, *base);
    CannotRead(*base, **schema);
    if (!(*schema)->root().Is(AvroKind::kRecord)) continue;
    std::vector<ColumnDeclaration> declared;
    for (const AvroField& field : (*schema)->root().fields) {
      declared.push_back(testing::Declared(field.name, "json"));
    }
    const AvroColumns columns = testing::Columns(*schema, declared);
    const auto program = AvroProgram::Make(base, columns);
    (void)AvroColumns::SchemaOf(**schema, {});
  }
  CHECK(read > kRounds / 50);
  CHECK(read < kRounds / 2);
}

TEST_CASE("compatibility: each reason with its place, both ways and back in time") {
  const auto first = Fields(
      R"({"name":"a","type":"int"},{"name":"p","type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}})");
  const auto second = Fields(
      R"({"name":"a","type":"long"},{"name":"p","type":{"type":"record","name":"P","fields":[{"name":"x","type":"string"},{"name":"y","type":"int"}]}})");
  const auto show = [](const std::vector<AvroIncompatibility>& found) {
    std::string text;
    for (const AvroIncompatibility& one : found) {
      text += (text.empty() ? "" : " | ") + one.path + ": " + one.reason;
    }
    return text;
  };
  CHECK(show(CannotRead(*second, *first)) ==
        "p.x: int is not read as string | p.y: is not written, and has no default");
  CHECK(show(CannotRead(*first, *second)) ==
        "a: long is not read as int | p.x: string is not read as int");
  using Rule = AvroCompatibility;
  const auto added =
      Fields(R"({"name":"a","type":"int"},{"name":"n","type":["null","int"],"default":null})");
  const auto plain = Fields(R"({"name":"a","type":"int"})");
  const std::vector<AvroSchemaPtr> earlier = {second, plain};
  const auto count = [&](Rule rule, const AvroSchema& next) {
    return FindIncompatibilities(rule, next, earlier).size();
  };
  CHECK(count(Rule::kNone, *second) == 0);
  CHECK(count(Rule::kBackward, *added) == 0);
  CHECK(count(Rule::kForward, *added) == 0);
  CHECK(count(Rule::kFull, *added) == 0);
  CHECK(show(FindIncompatibilities(Rule::kBackwardTransitive, *added, earlier)) ==
        "a: read by the new schema from version 1: long is not read as int");
  CHECK(show(FindIncompatibilities(Rule::kForwardTransitive, *added, earlier)) ==
        "p: read by version 1 from the new schema: is not written, and has no default");
  CHECK(count(Rule::kFullTransitive, *added) == 2);
  const auto fewer = Fields(R"({"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}})");
  const auto more = Fields(R"({"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}})");
  CHECK(show(CannotRead(*fewer, *more)) == "e: enum E has no symbol 'B', and no default");
  CHECK(show(CannotRead(*more, *fewer)).empty());
}

}  // namespace
}  // namespace weir
