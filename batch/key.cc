#include "batch/key.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace weir {
namespace {

constexpr uint64_t kSeed0 = 0x9e3779b97f4a7c15;
constexpr uint64_t kSeed1 = 0xbf58476d1ce4e5b9;
constexpr uint64_t kSeed2 = 0x94d049bb133111eb;

uint64_t Fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <typename Word>
uint64_t LoadWord(const char* from) {
  Word value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Up to 8 bytes, the first the lowest.
uint64_t Load(const char* from, size_t count) {
  if (count == 8) return LoadWord<uint64_t>(from);
  if (count >= 4) {
    // The first and the last four, which may overlap.
    return LoadWord<uint32_t>(from) | LoadWord<uint32_t>(from + count - 4) << 8 * (count - 4);
  }
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value |= LoadWord<uint8_t>(from + i) << 8 * i;
  return value;
}

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  const uint64_t swapped = __builtin_bswap64(value) >> 8 * (8 - bytes);
  out.append(reinterpret_cast<const char*>(&swapped), static_cast<size_t>(bytes));
}
static_assert(std::endian::native == std::endian::little);

uint64_t ReadBigEndian(std::string_view bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; i++) {
    value = value << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  }
  return value;
}

constexpr uint64_t kSignBit = uint64_t{1} << 63;

uint64_t CanonicalBits(double value) {
  if (value == 0.0) value = 0.0;
  if (std::isnan(value)) return 0x7ff8000000000000;
  return std::bit_cast<uint64_t>(value);
}

void AppendPart(std::string& out, const Column& column, size_t i) {
  if (column.IsNull(i) || column.type().Is(TypeKind::kNull)) {
    out += '\0';
    return;
  }
  out += '\1';
  switch (column.type().kind()) {
    case TypeKind::kBool:
      out += static_cast<char>(column.values<uint8_t>()[i]);
      return;
    case TypeKind::kInt32:
    case TypeKind::kDate:
      AppendOrdered(out, column.values<int32_t>()[i]);
      return;
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      AppendOrdered(out, column.values<int64_t>()[i]);
      return;
    case TypeKind::kFloat:
      AppendBigEndian(out, CanonicalBits(column.values<float>()[i]), 8);
      return;
    case TypeKind::kDouble:
      AppendBigEndian(out, CanonicalBits(column.values<double>()[i]), 8);
      return;
    case TypeKind::kDecimal: {
      const auto bits = static_cast<unsigned __int128>(column.values<Int128>()[i]);
      AppendBigEndian(out, static_cast<uint64_t>(bits >> 64) ^ kSignBit, 8);
      AppendBigEndian(out, static_cast<uint64_t>(bits), 8);
      return;
    }
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kJson: {
      const std::string_view text = column.text(i);
      AppendBigEndian(out, text.size(), 4);
      out += text;
      return;
    }
    case TypeKind::kList:
    case TypeKind::kMap:
      AppendBigEndian(out, column.offsets()[i + 1] - column.offsets()[i], 4);
      for (uint32_t k = column.offsets()[i]; k < column.offsets()[i + 1]; k++) {
        for (const ColumnPtr& child : column.children()) AppendPart(out, *child, k);
      }
      return;
    case TypeKind::kStruct:
      for (const ColumnPtr& child : column.children()) AppendPart(out, *child, i);
      return;
    case TypeKind::kNull:
      return;
  }
}

/// Whether all parts of a column are 9 bytes: numbers, and all of them there.
bool HasPlainParts(const Column& column) {
  if (column.has_nulls()) return false;
  switch (column.type().kind()) {
    case TypeKind::kInt32:
    case TypeKind::kDate:
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return true;
    default:
      return false;
  }
}

constexpr size_t kPlainPartBytes = 9;

/// Writes the parts of such a column, each `stride` bytes behind the one before.
template <typename T>
void WritePlainParts(std::span<const T> values, char* to, size_t stride) {
  for (const T value : values) {
    const uint64_t ordered = __builtin_bswap64(static_cast<uint64_t>(int64_t{value}) ^ kSignBit);
    *to = '\1';
    std::memcpy(to + 1, &ordered, sizeof ordered);
    to += stride;
  }
}

bool ReadPart(std::string_view& key, ColumnBuilder& column) {
  if (key.empty()) return false;
  const char there = key[0];
  key.remove_prefix(1);
  if (there == 0) {
    column.AppendNull();
    return true;
  }
  switch (column.type().kind()) {
    case TypeKind::kBool:
      if (key.empty()) return false;
      column.AppendBool(key[0] != 0);
      key.remove_prefix(1);
      return true;
    case TypeKind::kInt32:
    case TypeKind::kDate:
      if (key.size() < 8) return false;
      column.Append(static_cast<int32_t>(ReadOrdered(key)));
      key.remove_prefix(8);
      return true;
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      if (key.size() < 8) return false;
      column.Append(ReadOrdered(key));
      key.remove_prefix(8);
      return true;
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      if (key.size() < 8) return false;
      const double value = std::bit_cast<double>(ReadBigEndian(key, 8));
      if (column.type().Is(TypeKind::kFloat)) {
        column.Append(static_cast<float>(value));
      } else {
        column.Append(value);
      }
      key.remove_prefix(8);
      return true;
    }
    case TypeKind::kDecimal: {
      if (key.size() < 16) return false;
      const unsigned __int128 high = ReadBigEndian(key, 8) ^ kSignBit;
      column.Append(static_cast<Int128>(high << 64 | ReadBigEndian(key.substr(8), 8)));
      key.remove_prefix(16);
      return true;
    }
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kJson: {
      if (key.size() < 4) return false;
      const uint64_t length = ReadBigEndian(key, 4);
      key.remove_prefix(4);
      if (key.size() < length) return false;
      column.AppendText(key.substr(0, length));
      key.remove_prefix(length);
      return true;
    }
    case TypeKind::kList:
    case TypeKind::kMap: {
      if (key.size() < 4) return false;
      const uint64_t count = ReadBigEndian(key, 4);
      key.remove_prefix(4);
      for (uint64_t k = 0; k < count; k++) {
        for (size_t c = 0; c < column.type().children().size(); c++) {
          if (!ReadPart(key, column.child(c))) return false;
        }
      }
      column.AppendNested();
      return true;
    }
    case TypeKind::kStruct:
      for (size_t c = 0; c < column.type().children().size(); c++) {
        if (!ReadPart(key, column.child(c))) return false;
      }
      column.AppendNested();
      return true;
    case TypeKind::kNull:
      return false;
  }
  return false;
}

}  // namespace

uint64_t HashBytes(std::string_view bytes) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = kSeed0 ^ bytes.size() * kSeed1;
  while (left > 16) {
    hash = Fold(Load(at, 8) ^ kSeed1 ^ hash, Load(at + 8, 8) ^ kSeed2);
    at += 16;
    left -= 16;
  }
  const uint64_t a = Load(at, left < 8 ? left : 8);
  const uint64_t b = left > 8 ? Load(at + 8, left - 8) : 0;
  hash = Fold(a ^ kSeed1 ^ hash, b ^ kSeed2);
  return Fold(hash ^ kSeed0, kSeed2);
}

KeyColumn KeyColumn::Of(std::span<const ColumnPtr> columns, size_t rows) {
  KeyColumn keys;
  keys.offsets_.reserve(rows + 1);
  keys.offsets_.push_back(0);
  keys.hashes_.reserve(rows);
  if (!columns.empty() && std::all_of(columns.begin(), columns.end(),
                                      [](const ColumnPtr& at) { return HasPlainParts(*at); })) {
    const size_t stride = kPlainPartBytes * columns.size();
    keys.bytes_.resize(rows * stride);
    for (size_t c = 0; c < columns.size(); c++) {
      char* const first = keys.bytes_.data() + c * kPlainPartBytes;
      if (columns[c]->type().width() == sizeof(int32_t)) {
        WritePlainParts(columns[c]->values<int32_t>().first(rows), first, stride);
      } else {
        WritePlainParts(columns[c]->values<int64_t>().first(rows), first, stride);
      }
    }
    for (size_t i = 0; i < rows; i++) {
      keys.offsets_.push_back(static_cast<uint32_t>((i + 1) * stride));
      keys.hashes_.push_back(HashBytes(keys.key(i)));
    }
    return keys;
  }
  for (size_t i = 0; i < rows; i++) {
    for (const ColumnPtr& column : columns) AppendPart(keys.bytes_, *column, i);
    keys.offsets_.push_back(static_cast<uint32_t>(keys.bytes_.size()));
    keys.hashes_.push_back(HashBytes(keys.key(i)));
  }
  return keys;
}

bool DecodeKey(std::string_view key, std::span<ColumnBuilder* const> columns) {
  for (ColumnBuilder* column : columns) {
    if (!ReadPart(key, *column)) return false;
  }
  return key.empty();
}

void AppendOrdered(std::string& out, int64_t value) {
  AppendBigEndian(out, static_cast<uint64_t>(value) ^ kSignBit, 8);
}

int64_t ReadOrdered(std::string_view bytes) {
  return static_cast<int64_t>(ReadBigEndian(bytes, 8) ^ kSignBit);
}

}  // namespace weir
