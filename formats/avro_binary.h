#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weir {

/// Appends an int or a long: zigzag, seven bits a byte, the lowest first.
inline void AppendAvroLong(std::string& out, int64_t value) {
  uint64_t rest = static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
  for (; rest >= 0x80; rest >>= 7) out.push_back(static_cast<char>(rest | 0x80));
  out.push_back(static_cast<char>(rest));
}
/// Appends a string or bytes.
inline void AppendAvroText(std::string& out, std::string_view text) {
  AppendAvroLong(out, static_cast<int64_t>(text.size()));
  out.append(text);
}
/// Appends a float or a double.
template <typename Number>
void AppendAvroFloating(std::string& out, Number value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Walks Avro's binary encoding, never beyond its end. What returns false has left a reason in
/// `fault()`; after that nothing more may be read.
class AvroCursor {
 public:
  AvroCursor() = default;
  explicit AvroCursor(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const char* position() const { return at_; }
  /// Back to a position of the same bytes.
  void Rewind(const char* position) { at_ = position; }
  const char* fault() const { return fault_; }

  bool ReadLong(int64_t& value) {
    uint64_t raw = 0;
    if (at_ != end_ && static_cast<int8_t>(*at_) >= 0) [[likely]] {
      raw = static_cast<uint8_t>(*at_++);
    } else if (!ReadLongOfMany(raw)) {
      return false;
    }
    value = static_cast<int64_t>(raw >> 1 ^ (0 - (raw & 1)));
    return true;
  }
  bool ReadInt(int64_t& value) {
    if (!ReadLong(value)) return false;
    return value == static_cast<int32_t>(value) || Fail("an int of more than 32 bits");
  }
  bool SkipLong() {
    if (left() >= 8) [[likely]] {
      uint64_t word = 0;
      std::memcpy(&word, at_, 8);
      const uint64_t ends = ~word & 0x8080808080808080;
      if (ends != 0) [[likely]] {
        at_ += (std::countr_zero(ends) >> 3) + 1;
        return true;
      }
    }
    int64_t value = 0;
    return ReadLong(value);
  }
  bool ReadBytes(size_t size, std::string_view& bytes) {
    if (size > left()) [[unlikely]]
      return Fail("the record ends too early");
    bytes = {at_, size};
    at_ += size;
    return true;
  }
  bool SkipBytes(size_t size) {
    if (size > left()) [[unlikely]]
      return Fail("the record ends too early");
    at_ += size;
    return true;
  }
  bool ReadText(std::string_view& text) {
    size_t size = 0;
    return ReadSize(size) && ReadBytes(size, text);
  }
  bool SkipText() {
    size_t size = 0;
    return ReadSize(size) && SkipBytes(size);
  }
  template <typename Number>
  bool ReadFloating(Number& value) {
    std::string_view bytes;
    if (!ReadBytes(sizeof(Number), bytes)) return false;
    std::memcpy(&value, bytes.data(), sizeof(Number));
    return true;
  }
  /// The begin of an array's or map's block: how many values it has, 0 at the end. `size` is their
  /// bytes where the writer has said so, otherwise -1.
  bool ReadBlock(uint64_t& count, int64_t& size);

 private:
  bool ReadSize(size_t& size) {
    int64_t value = 0;
    if (!ReadLong(value)) return false;
    size = static_cast<size_t>(value);
    return value >= 0 || Fail("a length is negative");
  }
  bool ReadLongOfMany(uint64_t& raw);
  [[gnu::cold]] bool Fail(const char* why) {
    fault_ = why;
    return false;
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* fault_ = nullptr;
};

}  // namespace weir
