#include "formats/json.h"

#include <nlohmann/json.hpp>

#include "formats/errors.h"
#include "formats/json_decoder.h"
#include "formats/json_reader.h"
#include "formats/random_rows.h"
#include "formats/splitter.h"
#include "formats/testing.h"
#include "formats/values.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Below;
using testing::Declared;
using testing::Random;

/// A decoder and what it gave, as text: `1,"x" | null,"y"`, rejections as `!code`.
struct Harness {
  explicit Harness(std::vector<ColumnDeclaration> declared, std::vector<int> wanted = {}) {
    if (wanted.empty()) {
      for (size_t i = 0; i < declared.size(); i++) wanted.push_back(static_cast<int>(i));
    }
    decoder = MakeJsonDecoder(declared, wanted).value();
  }

  std::string Decode(const std::vector<std::string_view>& records) {
    std::vector<Rejection> rejected;
    const std::string text = testing::Decode(*decoder, records, &rejected);
    reasons.clear();
    for (const Rejection& rejection : rejected) reasons.push_back(rejection.reason);
    return text;
  }
  std::string Decode(std::string_view record) {
    return Decode(std::vector<std::string_view>{record});
  }

  std::unique_ptr<Decoder> decoder;
  std::vector<std::string> reasons;
};

TEST_CASE("json fields become columns: missing is null, unknown is ignored") {
  Harness json({Declared("a", "int64"), Declared("b", "string")});
  CHECK(json.Decode({R"({"a":1,"b":"x"})", R"({"b":"y","z":[1,{}]})", R"({})",
                     R"( {"a" : null } )"}) == R"(1,"x" | null,"y" | null,null | null,null)");
}

TEST_CASE("json values of the wrong type are rejected with field, type and value") {
  Harness json({Declared("n", "int32"), Declared("s", "string")});
  CHECK(json.Decode({R"({"n":"7"})", R"({"n":7.5})", R"({"n":12.0})", R"({"n":3000000000})",
                     R"({"n":true})", R"({"n":[1]})", R"({"s":5})"}) ==
        "!F002 | !F002 | 12,null | !F002 | !F002 | !F002 | !F002");
  CHECK(json.reasons[0] == "n: expected int32, got \"7\"");
  CHECK(json.reasons[5] == "s: expected string, got 5");
  const std::string longest = R"({"n":")" + std::string(5000, 'x') + "\"}";
  json.Decode(longest);
  CHECK(json.reasons[0].size() < 140);
}

TEST_CASE("json integers are exact") {
  Harness json({Declared("n", "int64")});
  CHECK(json.Decode({R"({"n":9223372036854775807})", R"({"n":-9223372036854775808})",
                     R"({"n":9223372036854775808})", R"({"n":9007199254740993.0})", R"({"n":1e3})",
                     R"({"n":1e-1})", R"({"n":-0})", R"({"n":1e400000000000})"}) ==
        "9223372036854775807 | -9223372036854775808 | !F002 | 9007199254740993 | 1000 | !F002 | 0 "
        "| !F002");
}

TEST_CASE("json floats, decimals, dates, bytes and bools") {
  Harness json({Declared("d", "double"), Declared("f", "float"), Declared("m", "decimal(5,2)"),
                Declared("t", "date"), Declared("y", "bytes"), Declared("o", "bool")});
  CHECK(json.Decode(R"({"d":1e308,"f":0.1,"m":123.4,"t":"2026-02-28","y":"AAE=","o":false})") ==
        R"(1e+308,0.1,123.40,"2026-02-28","AAE=",false)");
  CHECK(
      json.Decode({R"({"d":1e309})", R"({"f":1e39})", R"({"m":1234.5})", R"({"m":1.234})",
                   R"({"t":"2026-02-30"})", R"({"y":"A*=="})", R"({"o":1})", R"({"d":1e-400})"}) ==
      "!F002 | !F002 | !F002 | !F002 | !F002 | !F002 | !F002 | 0.0,null,null,null,null,null");
}

TEST_CASE("json timestamps are text, or a number in the column's unit") {
  ColumnDeclaration seconds = Declared("s", "timestamp");
  seconds.unit = "s";
  ColumnDeclaration zoned = Declared("z", "timestamp");
  zoned.zone = "+02:00";
  Harness json({Declared("t", "timestamp"), seconds, zoned});
  CHECK(json.Decode(R"({"t":"1970-01-01T00:00:01.5Z","s":1.5,"z":"1970-01-01 02:00:00"})") ==
        "1500,1500,0");
  CHECK(json.Decode({R"({"t":1500.25})", R"({"t":1e300})", R"({"t":"yesterday"})"}) ==
        "1500.250,null,null | !F002 | !F002");
}

TEST_CASE("json times may have a layout of their own") {
  ColumnDeclaration time = Declared("t", "timestamp");
  time.format = "%d.%m.%Y %H:%M";
  time.zone = "+01:00";
  ColumnDeclaration date = Declared("d", "date");
  date.format = "%Y%m%d";
  Harness json({time, date});
  CHECK(json.Decode({R"({"t":"02.01.1970 01:00","d":"19691231"})", R"({"t":"1970-01-02"})",
                     R"({"d":"1969-12-31"})"}) == R"(86400000,"1969-12-31" | !F002 | !F002)");
  ColumnDeclaration wrong = Declared("t", "timestamp");
  wrong.format = "%Q";
  CHECK_FALSE(MakeJsonDecoder({wrong}, {0}).ok());
  wrong.format = "";
  wrong.zone = "Nowhere/Land";
  CHECK_FALSE(MakeJsonDecoder({wrong}, {0}).ok());
  wrong.zone = "";
  wrong.unit = "weeks";
  CHECK_FALSE(MakeJsonDecoder({wrong}, {0}).ok());
}

TEST_CASE("json columns stand at paths") {
  Harness json({Declared("city", "string", "address.city"), Declared("address", "json"),
                Declared("a.b", "int64"), Declared("deep", "int64", "x.y.z"),
                Declared("again", "int64", "x.y.z")});
  CHECK(
      json.Decode(R"({"address":{"city":"Bern", "zip": 3000},"a.b":4,"x":{"y":{"q":[],"z":5}}})") ==
      R"("Bern",{"city":"Bern","zip":3000},4,5,5)");
  CHECK(json.Decode({R"({"address":null})", R"({"address":"x"})", R"({"x":{"y":7}})"}) ==
        "null,null,null,null,null | !F002 | !F002");
}

TEST_CASE("json nested columns") {
  Harness json({Declared("l", "list<int64>"), Declared("s", "struct<a:int64,b:list<string>>"),
                Declared("m", "map<string,double>"), Declared("j", "json")});
  CHECK(json.Decode(R"({"l":[1,null,3.0],"s":{"b":["x"],"q":1},"m":{"k":1,"k":2,"é":3},)"
                    R"("j":[ 1 , "a b" ]})") ==
        R"([1,null,3],{"a":null,"b":["x"]},{"k":2.0,"é":3.0},[1,"a b"])");
  CHECK(json.Decode({R"({"l":[1,"x"]})", R"({"s":[]})", R"({"m":{"k":"v"}})"}) ==
        "!F002 | !F002 | !F002");
  CHECK(json.reasons[0] == "l[1]: expected int64, got \"x\"");
  CHECK(json.reasons[2] == "m.k: expected double, got \"v\"");
  CHECK(json.Decode(R"({"l":[2]})") == "[2],null,null,null");
}

TEST_CASE("of a json field that is there twice the last counts") {
  Harness json({Declared("a", "int64"), Declared("c", "int64", "o.c")});
  CHECK(json.Decode(R"({"a":1,"o":{"c":1},"a":2,"o":{}})") == "2,null");
  CHECK(json.Decode(R"({"a":1,"a":null})") == "null,null");
  CHECK(json.Decode(R"({"a":1,"\u0061":3})") == "3,null");
}

TEST_CASE("a broken json record is rejected alone, whatever is wanted of it") {
  const std::string deep = R"({"z":)" + std::string(500, '[') + std::string(500, ']') + "}";
  const std::vector<std::string> broken = {"",
                                           " \n",
                                           "null",
                                           "[1]",
                                           "5",
                                           "{",
                                           "}",
                                           R"({"a":1)",
                                           R"({"a":1}})",
                                           R"({"a":1}{"a":2})",
                                           R"({"a":1} x)",
                                           R"({"a":1},{"a":2})",
                                           R"({"a" 1})",
                                           R"({"a":})",
                                           R"({"a":1,})",
                                           R"({,})",
                                           R"({a:1})",
                                           R"({"z":[1,2})",
                                           R"({"z":[}])",
                                           R"({"z":{"q":1]})",
                                           R"({"z":01})",
                                           R"({"z":tru})",
                                           R"({"z":"\q"})",
                                           R"({"z":"a)",
                                           "{\"z\":\"a\nb\"}",
                                           "{\"z\":\"\xff\"}",
                                           "{\"z\":\"\xed\xa0\x80\"}",
                                           R"({"z":1 2})",
                                           R"({"z":"a" "b"})",
                                           R"({"z":+1})",
                                           R"({"z":.5})",
                                           R"({"z":NaN})",
                                           R"({"z":'a'})",
                                           R"({"z":[1,]})",
                                           R"({"z":{"q"}})",
                                           R"({"z":"\u12"})",
                                           deep,
                                           std::string("{\"a\":1\0}", 8),
                                           R"({"z":"a":,1})",
                                           R"({"z":"a":1})",
                                           R"({"\q":1})",
                                           R"({"a":1]})",
                                           R"({"z":[[1]})",
                                           R"({"z":1"x"})",
                                           R"({"a":{"z":1})"};
  for (int wanted = 0; wanted < 3; wanted++) {
    Harness json({Declared("a", "int64"), Declared("z", "json"), Declared("n", "int64")}, {wanted});
    const std::string good = R"({"a":7,"n":7,"z":7})";
    for (const std::string& record : broken) {
      INFO(record);
      const std::string text = json.Decode({good, record, good});
      CHECK(text.substr(0, 5) == "7 | !");
      CHECK(text.substr(text.size() - 4) == " | 7");
    }
  }
  Harness json({Declared("a", "int64")});
  CHECK(json.Decode({std::string_view(), "", deep}) == "!F004 | !F004 | !F005");
}

TEST_CASE("a json record's stale neighbour in memory does not complete it") {
  Harness json({Declared("a", "json")});
  CHECK(json.Decode({R"({"a":{"b":1}}                     )", R"({"a":{"b":1})",
                     R"({"a":{"b":1}})"}) == R"({"b":1} | !F001 | {"b":1})");
}

TEST_CASE("json rows are written in order of the columns") {
  const Schema schema(
      {{"t", TypeKind::kTimestamp}, {"d", TypeKind::kDouble}, {"s\"", TypeKind::kString}});
  BatchBuilder builder(std::make_shared<const Schema>(schema));
  builder.column(0).Append<int64_t>(1500250);
  builder.column(1).Append(37.0);
  builder.column(2).AppendNull();
  const BatchPtr batch = builder.Finish();
  std::string text;
  REQUIRE(MakeJsonEncoder(schema, {})->Encode(*batch, 0, text).ok());
  CHECK(text == R"({"t":1500.250,"d":37.0,"s\"":null})");
  text.clear();
  const JsonOptions options{TimestampStyle::kIso8601, JsonOptions::Nulls::kOmit};
  REQUIRE(MakeJsonEncoder(schema, options)->Encode(*batch, 0, text).ok());
  CHECK(text == R"({"t":"1970-01-01T00:00:01.500250Z","d":37.0})");
}

std::vector<ColumnDeclaration> DeclaredAs(const Schema& schema) {
  std::vector<ColumnDeclaration> declared;
  for (const Field& field : schema.fields()) {
    ColumnDeclaration column;
    column.name = field.name;
    column.type = field.type;
    declared.push_back(column);
  }
  return declared;
}

TEST_CASE("random rows come back from json as they were") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 200; round++) {
    const SchemaPtr schema = testing::RandomSchema(random, 3);
    const BatchPtr batch = testing::RandomBatch(random, schema, 20);
    JsonOptions options;
    if (round % 2 == 1) options = {TimestampStyle::kIso8601, JsonOptions::Nulls::kOmit};
    const auto encoder = MakeJsonEncoder(*schema, options);
    std::string file;
    for (size_t r = 0; r < batch->rows(); r++) {
      REQUIRE(encoder->Encode(*batch, r, file).ok());
      file += '\n';
    }
    std::vector<std::string_view> records;
    REQUIRE(MakeLineSplitter()->Split(file, true, records).value() == file.size());
    REQUIRE(records.size() == batch->rows());
    Harness json(DeclaredAs(*schema));
    BatchBuilder builder(schema);
    std::vector<Rejection> rejected;
    REQUIRE(json.decoder->Decode(records, builder, rejected).ok());
    if (!rejected.empty()) INFO(rejected[0].reason);
    REQUIRE(rejected.empty());
    const BatchPtr back = builder.Finish();
    for (size_t c = 0; c < schema->size(); c++) {
      for (size_t r = 0; r < batch->rows(); r++) {
        std::string was;
        std::string is;
        AppendJsonValue(was, batch->column(c), r);
        AppendJsonValue(is, back->column(c), r);
        INFO((*schema)[c].type.ToString());
        REQUIRE(is == was);
      }
    }
  }
}

nlohmann::json RandomJson(Random& random, int depth) {
  switch (Below(random, depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return Below(random, 2) == 0;
    case 2:
      return testing::RandomInteger(random);
    case 3:
      return static_cast<double>(testing::RandomInteger(random)) / 8;
    case 4:
    case 5:
      return testing::RandomText(random);
    case 6: {
      nlohmann::json list = nlohmann::json::array();
      for (uint64_t n = Below(random, 4); n > 0; n--) list.push_back(RandomJson(random, depth - 1));
      return list;
    }
    default: {
      nlohmann::json object = nlohmann::json::object();
      for (uint64_t n = Below(random, 4); n > 0; n--) {
        object[testing::RandomText(random)] = RandomJson(random, depth - 1);
      }
      return object;
    }
  }
}

/// What a record ought to give, by a library that shares nothing with the decoder. Nullopt: the
/// reference can't tell (a field is there twice).
struct Expected {
  bool known = true;
  bool rejected = false;
  std::string text;
};
Expected Reference(const std::string& record) {
  std::vector<std::vector<std::string>> keys;
  bool twice = false;
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      for (const std::string& key : keys.back()) twice = twice || key == parsed.get<std::string>();
      keys.back().push_back(parsed.get<std::string>());
    }
    return true;
  };
  Expected expected;
  nlohmann::json parsed;
  try {
    parsed = nlohmann::json::parse(record, watch);
  } catch (const nlohmann::json::exception&) {
    expected.rejected = true;
    // It refuses lone surrogates and numbers beyond a double, which are JSON by its grammar.
    expected.known = record.find("\\u") == std::string::npos &&
                     record.find('e') == std::string::npos && record.find('E') == std::string::npos;
    return expected;
  }
  expected.known = !twice;
  if (!parsed.is_object()) {
    expected.rejected = true;
    return expected;
  }
  const nlohmann::json n = parsed.value("n", nlohmann::json());
  const nlohmann::json s = parsed.value("s", nlohmann::json());
  const nlohmann::json l = parsed.value("l", nlohmann::json());
  const bool integral = n.is_null() || n.is_number_integer() ||
                        (n.is_number_float() && n.get<double>() == std::floor(n.get<double>()) &&
                         std::abs(n.get<double>()) < 1e9);
  // A double can't tell whether a long number had a fraction.
  if (n.is_number_float() && std::abs(n.get<double>()) >= 1e9) expected.known = false;
  // Nor whether one that became zero was as small as that.
  if (n.is_number_float() && n.get<double>() == 0) expected.known = false;
  if (n.is_number_unsigned() && n.get<uint64_t>() > INT64_MAX) expected.known = false;
  bool strings = l.is_null() || l.is_array();
  if (l.is_array()) {
    for (const auto& element : l) strings = strings && (element.is_null() || element.is_string());
  }
  expected.rejected = !integral || !(s.is_null() || s.is_string()) || !strings;
  if (expected.rejected) return expected;
  expected.text =
      (n.is_null() ? "null" : std::to_string(n.get<int64_t>())) + "," + s.dump() + "," + l.dump();
  return expected;
}

/// A record with the fields n, s and l and others, often damaged by a few bytes.
std::string RandomRecord(Random& random) {
  nlohmann::json object = nlohmann::json::object();
  if (Below(random, 4) != 0) object["n"] = testing::RandomInteger(random);
  if (Below(random, 4) != 0) object["s"] = testing::RandomText(random);
  if (Below(random, 4) != 0) object["l"] = {testing::RandomText(random), nullptr, "x"};
  for (uint64_t n = Below(random, 3); n > 0; n--) {
    object[testing::RandomText(random)] = RandomJson(random, 3);
  }
  for (const char* name : {"n", "s", "l"}) {
    if (Below(random, 8) == 0) object[name] = RandomJson(random, 2);
  }
  std::string record = object.dump(Below(random, 3) == 0 ? 1 : -1);
  for (uint64_t n = Below(random, 4); n > 0 && !record.empty(); n--) {
    const size_t at = Below(random, record.size());
    static const std::string bytes = "{}[]\",:\\0123456789eE.-+ \n\ttrufalsn\xc3\xa9\x01";
    const char byte = bytes[Below(random, bytes.size())];
    switch (Below(random, 3)) {
      case 0:
        record[at] = byte;
        break;
      case 1:
        record.erase(at, 1 + Below(random, 3));
        break;
      default:
        record.insert(at, 1, byte);
    }
  }
  return record;
}

/// Whether the decoder gave what the reference says; as values, for both escape in their own way.
bool Agrees(const std::string& got, const Expected& expected) {
  if (expected.rejected || got[0] == '!') return expected.rejected && got[0] == '!';
  return nlohmann::json::parse("[" + got + "]") == nlohmann::json::parse("[" + expected.text + "]");
}

TEST_CASE("json agrees with a plain reference on random and damaged records") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  Harness json({Declared("n", "int64"), Declared("s", "string"), Declared("l", "list<string>")});
  int compared = 0;
  int rejections = 0;
  for (int round = 0; round < 30000; round++) {
    const std::string record = RandomRecord(random);
    const Expected expected = Reference(record);
    const std::string got = json.Decode(record);
    if (!expected.known) continue;
    compared++;
    if (expected.rejected) rejections++;
    INFO(record);
    REQUIRE(Agrees(got, expected));
  }
  // The test sees both kinds, or it shows nothing.
  CHECK(compared > 15000);
  CHECK(rejections > 3000);
  CHECK(compared - rejections > 3000);
}

TEST_CASE("the comparison with the reference catches decoders that are wrong") {
  // Each reads something else than what it is asked for.
  const std::vector<std::vector<ColumnDeclaration>> wrong = {
      {Declared("n", "int32"), Declared("s", "string"), Declared("l", "list<string>")},
      {Declared("n", "int64"), Declared("s", "json"), Declared("l", "list<string>")},
      {Declared("n", "double"), Declared("s", "string"), Declared("l", "list<string>")},
      {Declared("n", "int64"), Declared("s", "string", "n.s"), Declared("l", "list<string>")},
      {Declared("n", "int64"), Declared("s", "string"), Declared("l", "json")}};
  for (const std::vector<ColumnDeclaration>& columns : wrong) {
    Random random(1);
    Harness json(columns);
    int caught = 0;
    for (int round = 0; round < 5000; round++) {
      const std::string record = RandomRecord(random);
      const Expected expected = Reference(record);
      if (expected.known && !Agrees(json.Decode(record), expected)) caught++;
    }
    CHECK(caught > 0);
  }
}

TEST_CASE("no bytes at all make the json decoder stumble") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  Harness json({Declared("a", "struct<b:list<map<string,json>>>"), Declared("t", "timestamp"),
                Declared("p", "decimal(38,10)", "o.p")});
  const std::string begin =
      R"({"a":{"b":[{"k":{"x":[1,2]}},{}]},"t":"2026-01-02T03:04:05Z","o":{"p":1.5}})";
  for (int round = 0; round < 30000; round++) {
    std::string record = begin;
    for (uint64_t n = 1 + Below(random, 6); n > 0; n--) {
      record[Below(random, record.size())] = static_cast<char>(random());
    }
    record.resize(Below(random, record.size() + 1));
    const std::string got = json.Decode({begin, record, begin});
    const std::string good = json.Decode(begin);
    REQUIRE(got.substr(0, good.size()) == good);
    REQUIRE(got.substr(got.size() - good.size()) == good);
  }
}

}  // namespace
}  // namespace weir
