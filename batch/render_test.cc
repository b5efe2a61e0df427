#include "batch/render.h"

#include <charconv>
#include <cmath>
#include <random>

#include "tests/catch.h"

namespace weir {
namespace {

template <typename T>
std::string Shown(Type type, T value, TimestampStyle style = TimestampStyle::kEpochMillis) {
  std::string text;
  AppendJsonValue(text, *MakeColumn<T>(std::move(type), std::span<const T>(&value, 1)), 0, style);
  return text;
}

std::string ShownText(TypeKind kind, std::string_view value) {
  ColumnBuilder builder{Type(kind)};
  builder.AppendText(value);
  std::string text;
  AppendJsonValue(text, *builder.Finish(), 0);
  return text;
}

TEST_CASE("numbers as JSON") {
  CHECK(Shown<double>(TypeKind::kDouble, 37) == "37.0");
  CHECK(Shown<double>(TypeKind::kDouble, 0.1) == "0.1");
  CHECK(Shown<double>(TypeKind::kDouble, 1e300) == "1e+300");
  CHECK(Shown<double>(TypeKind::kDouble, -0.0) == "-0.0");
  CHECK(Shown<double>(TypeKind::kDouble, std::nan("")) == "null");
  CHECK(Shown<double>(TypeKind::kDouble, INFINITY) == "null");
  CHECK(Shown<float>(TypeKind::kFloat, 0.1f) == "0.1");
  CHECK(Shown<int64_t>(TypeKind::kInt64, INT64_MIN) == "-9223372036854775808");
  CHECK(Shown<int32_t>(TypeKind::kInt32, -5) == "-5");
  CHECK(Shown<uint8_t>(TypeKind::kBool, 1) == "true");
  CHECK(Shown<Int128>(Type::Decimal(9, 2), 1250) == "12.50");
  CHECK(Shown<Int128>(Type::Decimal(9, 2), -5) == "-0.05");
  CHECK(Shown<Int128>(Type::Decimal(9, 0), 0) == "0");
  CHECK(Shown<Int128>(Type::Decimal(3, 3), 7) == "0.007");
}

TEST_CASE("times as JSON") {
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, 1598850662992000) == "1598850662992");
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, 1598850662992001) == "1598850662992.001");
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, -1) == "-0.001");
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, -1500) == "-1.500");
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, INT64_MIN) == "-9223372036854775.808");
  CHECK(Shown<int64_t>(TypeKind::kTimestamp, 1000, TimestampStyle::kIso8601) ==
        "\"1970-01-01T00:00:00.001Z\"");
  CHECK(Shown<int32_t>(TypeKind::kDate, -1) == "\"1969-12-31\"");
  CHECK(Shown<int64_t>(TypeKind::kDuration, 250000) == "250");
}

TEST_CASE("text as JSON") {
  CHECK(ShownText(TypeKind::kString, "a\"b\\c\n\t\r\x01") == "\"a\\\"b\\\\c\\n\\t\\r\\u0001\"");
  CHECK(ShownText(TypeKind::kString, "Zürich 🚕") == "\"Zürich 🚕\"");
  CHECK(ShownText(TypeKind::kString,
                  "a\xff"
                  "b\xc3") == "\"a\\ufffdb\\ufffd\"");
  CHECK(ShownText(TypeKind::kString, "\xed\xa0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");
  CHECK(ShownText(TypeKind::kBytes, "weir") == "\"d2Vpcg==\"");
  CHECK(ShownText(TypeKind::kJson, "{\"a\": 1}") == "{\"a\": 1}");
}

TEST_CASE("nested values and nulls as JSON") {
  const Type element = Type::Struct({{"a", TypeKind::kInt64}, {"m", Type::Map(TypeKind::kDouble)}});
  ColumnBuilder builder(Type::List(element));
  ColumnBuilder& inner = builder.child(0);
  inner.child(0).Append<int64_t>(1);
  inner.child(1).child(0).AppendText("k\"");
  inner.child(1).child(1).Append(2.5);
  inner.child(1).AppendNested();
  inner.AppendNested();
  inner.AppendNull();
  builder.AppendNested();
  builder.AppendNested();
  builder.AppendNull();
  const ColumnPtr column = builder.Finish();
  std::string text;
  for (size_t i = 0; i < 3; i++) AppendJsonValue(text, *column, i);
  CHECK(text == "[{\"a\":1,\"m\":{\"k\\\"\":2.5}},null][]null");
}

TEST_CASE("doubles read back") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; i++) {
    const uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    std::string text;
    AppendDouble(text, value);
    if (!std::isfinite(value)) continue;
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    REQUIRE(back == value);
    REQUIRE(text.find_first_of(".e") != std::string::npos);
  }
}

TEST_CASE("each byte is escaped alike wherever it stands in a text") {
  for (int byte = 0; byte < 128; byte++) {
    std::string alone;
    AppendJsonString(alone, std::string(1, static_cast<char>(byte)));
    const std::string escaped = alone.substr(1, alone.size() - 2);
    for (size_t at = 0; at < 20; at++) {
      const std::string before(at, 'x');
      const std::string after(20 - at, '~');
      std::string out;
      AppendJsonString(out, before + static_cast<char>(byte) + after);
      INFO(byte << " at " << at);
      CHECK(out == '"' + before + escaped + after + '"');
    }
  }
}

}  // namespace
}  // namespace weir
