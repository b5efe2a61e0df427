#include "batch/key.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/catch.h"

namespace weir {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char c : bytes) {
    hex += kDigits[c >> 4];
    hex += kDigits[c & 15];
  }
  return hex;
}

template <typename T>
std::string KeyOf(Type type, T value) {
  ColumnBuilder builder(std::move(type));
  builder.Append(value);
  const ColumnPtr column = builder.Finish();
  return Hex(KeyColumn::Of(std::span(&column, 1), 1).key(0));
}

TEST_CASE("hashes are the same for ever") {
  // Key slots, and so all stored state, depend on these: never change them.
  CHECK(HashBytes(std::string_view()) == 0x5e1c5cc67778b8e9);
  CHECK(HashBytes("a") == 0x9553c15007426469);
  CHECK(HashBytes("ab") == 0x9045299ccfbae351);
  CHECK(HashBytes("weir") == 0x5c28c5f19c872fa4);
  CHECK(HashBytes("abcde") == 0xebfe6ad6bb781106);
  CHECK(HashBytes("abcdef") == 0xd59aa3aa9e4aa3c7);
  CHECK(HashBytes("abcdefg") == 0xb67f1680436fd63c);
  CHECK(HashBytes("12345678") == 0xca91320827c0232f);
  CHECK(HashBytes("123456789") == 0x022c886c7cbfc184);
  CHECK(HashBytes("0123456789abcdef") == 0x22db8142e7b3da88);
  CHECK(HashBytes("0123456789abcdef!") == 0xd00183e31984d515);
  CHECK(HashBytes(std::string(100, 'x')) == 0xcf75f3a113510e7a);
  CHECK(HashBytes(std::string_view("\0\1\2", 3)) == 0x179bf85b3c87a90f);
}

TEST_CASE("keys are the same bytes for ever") {
  CHECK(KeyOf<int32_t>(TypeKind::kInt32, 1) == "018000000000000001");
  CHECK(KeyOf<int64_t>(TypeKind::kInt64, 1) == "018000000000000001");
  CHECK(KeyOf<int64_t>(TypeKind::kInt64, -1) == "017fffffffffffffff");
  CHECK(KeyOf<int32_t>(TypeKind::kDate, 19000) == "018000000000004a38");
  CHECK(KeyOf<int64_t>(TypeKind::kTimestamp, 1'700'000'000'000'000) == "0180060a24181e4000");
  CHECK(KeyOf<uint8_t>(TypeKind::kBool, 1) == "0101");
  CHECK(KeyOf<double>(TypeKind::kDouble, 1.5) == "013ff8000000000000");
  CHECK(KeyOf<float>(TypeKind::kFloat, 1.5F) == "013ff8000000000000");
  CHECK(KeyOf<double>(TypeKind::kDouble, -0.0) == "010000000000000000");
  CHECK(KeyOf<double>(TypeKind::kDouble, std::nan("7")) == "017ff8000000000000");
  CHECK(KeyOf<double>(TypeKind::kDouble, -std::numeric_limits<double>::quiet_NaN()) ==
        "017ff8000000000000");
  CHECK(KeyOf<Int128>(Type::Decimal(10, 2), -1) == "017fffffffffffffffffffffffffffffff");

  ColumnBuilder text(TypeKind::kString);
  text.AppendText("ab");
  text.AppendNull();
  const ColumnPtr column = text.Finish();
  const KeyColumn keys = KeyColumn::Of(std::span(&column, 1), 2);
  CHECK(Hex(keys.key(0)) == "01000000026162");
  CHECK(Hex(keys.key(1)) == "00");

  ColumnBuilder list(Type::List(TypeKind::kInt64));
  list.child(0).Append<int64_t>(1);
  list.child(0).AppendNull();
  list.AppendNested();
  const ColumnPtr lists = list.Finish();
  CHECK(Hex(KeyColumn::Of(std::span(&lists, 1), 1).key(0)) == "010000000201800000000000000100");
}

TEST_CASE("parts of a key cannot be taken for one another") {
  ColumnBuilder left(TypeKind::kString);
  ColumnBuilder right(TypeKind::kString);
  left.AppendText("ab");
  right.AppendText("c");
  left.AppendText("a");
  right.AppendText("bc");
  const std::vector<ColumnPtr> columns = {left.Finish(), right.Finish()};
  const KeyColumn keys = KeyColumn::Of(columns, 2);
  CHECK(keys.key(0) != keys.key(1));
  CHECK(keys.hash(0) == HashBytes(keys.key(0)));
}

TEST_CASE("keys read back as what they were made of, and cut ones are refused") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; round++) {
    ColumnBuilder number(TypeKind::kInt64);
    ColumnBuilder text(TypeKind::kString);
    if (random() % 5 == 0) {
      number.AppendNull();
    } else {
      number.Append(static_cast<int64_t>(random()));
    }
    text.AppendText(std::string(random() % 30, static_cast<char>(random() % 256)));
    const std::vector<ColumnPtr> columns = {number.Finish(), text.Finish()};
    const KeyColumn keys = KeyColumn::Of(columns, 1);
    ColumnBuilder number_back(TypeKind::kInt64);
    ColumnBuilder text_back(TypeKind::kString);
    ColumnBuilder* const back[] = {&number_back, &text_back};
    REQUIRE(DecodeKey(keys.key(0), back));
    const std::vector<ColumnPtr> read = {number_back.Finish(), text_back.Finish()};
    REQUIRE(KeyColumn::Of(read, 1).key(0) == keys.key(0));
    ColumnBuilder cut_number(TypeKind::kInt64);
    ColumnBuilder cut_text(TypeKind::kString);
    ColumnBuilder* const cut[] = {&cut_number, &cut_text};
    REQUIRE_FALSE(DecodeKey(keys.key(0).substr(0, random() % keys.key(0).size()), cut));
  }
}

TEST_CASE("ordered numbers sort as bytes") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1000; round++) {
    const auto a = static_cast<int64_t>(random() >> random() % 64) * (random() % 2 ? 1 : -1);
    const auto b = static_cast<int64_t>(random() >> random() % 64) * (random() % 2 ? 1 : -1);
    std::string a_bytes;
    std::string b_bytes;
    AppendOrdered(a_bytes, a);
    AppendOrdered(b_bytes, b);
    REQUIRE((a < b) == (a_bytes < b_bytes));
    REQUIRE(ReadOrdered(a_bytes) == a);
  }
}

TEST_CASE("hashes of keys spread over the slots") {
  std::vector<int> counts(kKeySlots);
  for (int i = 0; i < 100 * static_cast<int>(kKeySlots); i++) {
    std::string key = "\1";
    AppendOrdered(key, i);
    counts[SlotOfHash(HashBytes(key))]++;
  }
  CHECK(*std::min_element(counts.begin(), counts.end()) > 50);
  CHECK(*std::max_element(counts.begin(), counts.end()) < 160);
}

}  // namespace
}  // namespace weir
