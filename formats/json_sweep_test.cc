#include "formats/json_sweep.h"

#include "batch/render.h"
#include "formats/json_decoder.h"
#include "formats/random_rows.h"
#include "formats/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Below;
using testing::Declared;
using testing::Random;

/// The first characters of the tokens that a sweep finds; `!` where it finds none.
std::string Tokens(const std::vector<std::string_view>& records) {
  JsonSweep sweep;
  if (!sweep.Sweep(records)) return "!";
  std::string text;
  const uint32_t* token = sweep.tokens();
  for (size_t i = 0; i < records.size(); i++) {
    for (; *token < sweep.end(i); token++) text += sweep.text()[*token];
    text += '|';
  }
  for (size_t i = 0; i < JsonSweep::kSentinels; i++) CHECK(sweep.text()[token[i]] == '\0');
  return text;
}

TEST_CASE("a sweep finds the tokens of each record") {
  CHECK(Tokens({R"({"a":[1,true]})", R"( {"b" : "x,y"} )"}) == R"({":[1,t]}|{":"}|)");
  CHECK(Tokens({R"({"a":1)", "2}", "", "3"}) == R"({":1|2}||3|)");
  CHECK(Tokens({"{}\\ ", "{}"}) == "{}\\|{}|");
}

TEST_CASE("a sweep fails where a record could disturb another") {
  CHECK(Tokens({R"({"a":"x)", R"(y"})"}) == "!");
  CHECK(Tokens({R"({"a":"x\)", R"("})"}) == "!");
  CHECK(Tokens({"{\"a\":\"\xc3", "\xa9\"}"}) == "!");
  CHECK(Tokens({"{\"a\":\"x\ny\"}"}) == "!");
  CHECK(Tokens({"", " "}) == "!");
}

TEST_CASE("a sweep takes what fits it") {
  const std::string large(JsonSweep::kMostBytes - 3, ' ');
  CHECK(JsonSweep::Fitting(std::vector<std::string_view>{large, "", "", "{}"}) == 3);
  CHECK(JsonSweep::Fitting(std::vector<std::string_view>{large + "...", "{}"}) == 0);
  CHECK(JsonSweep::Fitting({}) == 0);
}

/// Texts that are records, nearly records, or halves of them that would make one with a neighbour.
const std::vector<std::string>& Pieces() {
  static const std::vector<std::string> pieces = {
      R"({"n":1,"s":"x","l":["a",null],"o":{"p":7},"t":1500,"j":{"k":[1]}})",
      R"({"n":12345678,"s":"a longer text than sixteen bytes"})",
      R"({"n":-5,"s":"","t":1700000000123})",
      R"({"n":1234567890123456,"t":"2026-01-02T03:04:05Z"})",
      R"({"n":12345678901234567})",
      R"({"n":9223372036854775807})",
      R"({"n":9223372036854775808})",
      R"({"n":1.0})",
      R"({"n":1e2,"t":1e300})",
      R"({"n":00})",
      R"({"n":-})",
      R"({"n":1})",
      R"({"n":1},{"n":2})",
      R"({"n":1}{"n":2})",
      R"({"n":1}])",
      R"([{"n":1}])",
      R"({"n":1,"n":2})",
      R"({"n":"x","n":2})",
      R"({"n":2,"n":null,"s":null})",
      R"({"\u006e":3,"s":"\u00e9\n"})",
      R"({"\q":3})",
      R"({"s":"\q"})",
      R"({"z":"\q"})",
      R"({"s":"\ud800"})",
      R"({"s":"\ud83d\ude00"})",
      R"({ "n" : 4 , "s" : "x" } )",
      "{\n  \"n\": 4,\r\n\t\"s\": \"x\"\n}",
      "{\"s\":\"a\nb\"}",
      "{\"s\":\"a",
      "b\"}",
      "\"}",
      "\"",
      "\\",
      R"({"s":"\)",
      R"("{"n":1})",
      R"({"\)",
      R"(":1})",
      R"({"s":"a\\"})",
      R"({"n":1)",
      R"({"n":1,)",
      R"(,"n":2})",
      R"("n":2})",
      R"({"n")",
      R"({"n":)",
      R"(:2})",
      "{",
      "}",
      "[",
      "]",
      ",",
      "1",
      "null",
      "",
      " ",
      "\n",
      R"({"o":{"p":1})",
      R"({"o":{"p":1}})",
      R"({"o":{"p":[1]}})",
      R"({"o":{"p":1]})",
      R"({"o":[1}})",
      R"({"o":7})",
      R"({"l":["a")",
      R"({"l":["a",1]})",
      R"({"z":[1,{"y":[[]]}],"n":8})",
      R"({"z":[1,{"y":[[]}],"n":8})",
      R"({"z":tru})",
      R"({"z":true,"y":false,"x":null,"w":-0.5e-3})",
      R"({"s":"a"x})",
      R"({"s":"a""b"})",
      R"({"s":"a":"b"})",
      R"({"n":1"x"})",
      R"({"n":1 2})",
      R"({"n":1}\)",
      R"({"z":"a" "b"})",
      R"({"z":\"})",
      "{\"n\":1\x0c}",
      "{\"n\"\x1a 1}",
      "{\"n\":1\x0c\"s\":\"x\"}",
      std::string("{\"n\":1\0}", 8),
      std::string("{\"z\":\"\0\"}", 9),
      "{\"s\":\"\xc3",
      "\xa9\"}",
      "{\"s\":\"\xc3\xa9\"}",
      "{\"s\":\"\xed\xa0\x80\"}",
      "\xef\xbb\xbf{\"n\":1}",
      R"({"j":)" + std::string(200, '[') + std::string(200, ']') + "}",
      R"({"z":)" + std::string(127, '[') + std::string(127, ']') + "}"};
  return pieces;
}

std::string HostileRecord(Random& random) {
  std::string record =
      Pieces()[Below(random, 4) == 0 ? Below(random, Pieces().size()) : Below(random, 4)];
  switch (Below(random, 16)) {
    case 0:
      record += Pieces()[Below(random, Pieces().size())];
      break;
    case 1:
      record.insert(Below(random, record.size() + 1), testing::RandomText(random));
      break;
    case 2:
      record.resize(Below(random, record.size() + 1));
      break;
    case 3:
      if (!record.empty()) record[Below(random, record.size())] = static_cast<char>(random());
      break;
    case 4:
      if (Below(random, 8) == 0) {
        record = R"({"s":")" + std::string(Below(random, 2 * JsonSweep::kMostBytes), 'x') + "\"}";
      }
      break;
    default:
      break;
  }
  return record;
}

/// All that a decoder gives for records in one call: a line for each row and each rejection.
std::string Decoded(Decoder& decoder, const std::vector<std::string_view>& records) {
  const auto [batch, rejected] = testing::DecodeAll(decoder, records);
  std::string text;
  for (const Rejection& rejection : rejected) {
    text += std::to_string(rejection.record) + " " + std::string(rejection.code->id) + " " +
            rejection.reason + "\n";
  }
  for (size_t row = 0; row < batch->rows(); row++) {
    for (const ColumnPtr& column : batch->columns()) {
      AppendJsonValue(text, *column, row);
      text += ' ';
    }
    text += '\n';
  }
  return text;
}

TEST_CASE("json records decoded together give what each gives by itself") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<ColumnDeclaration> declared = {
      Declared("n", "int64"),        Declared("s", "string"),    Declared("l", "list<string>"),
      Declared("p", "int32", "o.p"), Declared("t", "timestamp"), Declared("j", "json")};
  const std::vector<std::vector<int>> wishes = {{0, 1, 2, 3, 4, 5}, {1, 4}, {3}, {}};
  int calls_without_rejection = 0;
  int calls_with_rejections = 0;
  for (int round = 0; round < 400; round++) {
    const std::vector<int>& wanted = wishes[Below(random, wishes.size())];
    const auto together = MakeJsonDecoder(declared, wanted).value();
    const auto plain = MakePlainJsonDecoder(declared, wanted).value();
    for (int call = 0; call < 4; call++) {
      // Often none is bad, so that whole sweeps pass too.
      const bool good = Below(random, 4) == 0;
      std::vector<std::string> texts(1 + Below(random, 300));
      for (std::string& text : texts)
        text = good ? Pieces()[Below(random, 4)] : HostileRecord(random);
      std::vector<std::string_view> records(texts.begin(), texts.end());
      if (!good && Below(random, 4) == 0) records[Below(random, records.size())] = {};
      const std::string expected = Decoded(*plain, records);
      REQUIRE(Decoded(*together, records) == expected);
      (expected.find("WEIR-F") == std::string::npos ? calls_without_rejection
                                                    : calls_with_rejections)++;
    }
  }
  // The test sees both kinds, or it shows nothing.
  CHECK(calls_without_rejection > 200);
  CHECK(calls_with_rejections > 200);
}

}  // namespace
}  // namespace weir
