#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace weir {

/// Where the tokens of many records begin, found in one sweep over all of them (stage 1 of
/// simdjson; G. Langdale and D. Lemire, "Parsing Gigabytes of JSON per Second").
///
/// The records are laid out one after the other with a line end behind each. A line end inside a
/// string is a fault of the sweep; so where it succeeds, none of the records leaves a string open,
/// and the tokens of each are what they would be if it stood alone.
class JsonSweep {
 public:
  /// Most bytes of a sweep, with the line ends: what is found stays in the nearest caches.
  static constexpr size_t kMostBytes = 64 << 10;
  /// Bytes behind the text that may be read.
  static constexpr size_t kPadding = 64;

  JsonSweep();
  ~JsonSweep();
  JsonSweep(const JsonSweep&) = delete;
  JsonSweep& operator=(const JsonSweep&) = delete;

  /// How many of the first `records` one sweep can take; 0 where the first is too long for any.
  static size_t Fitting(std::span<const std::string_view> records);

  /// False where it can't be told what the tokens are: some record leaves a string open, has a
  /// control character in one, ends with a backslash, or is not UTF-8, or there is no token at all.
  bool Sweep(std::span<const std::string_view> records);

  /// The records as they are laid out, zeros behind them. Each stands until its `end(i)`.
  const char* text() const { return text_.data(); }
  uint32_t end(size_t record) const { return ends_[record]; }
  /// Where in text() tokens begin, ascending: each bracket, brace, comma and colon, and the first
  /// character of each string and of whatever else stands there. The first character of text that
  /// is neither in a string nor white space begins one. Behind the last one stands, kSentinels
  /// times, the end of the text, where there is a zero.
  const uint32_t* tokens() const;
  static constexpr size_t kSentinels = 4;
  /// Whether there is any backslash in the text.
  bool has_escapes() const { return has_escapes_; }

 private:
  std::vector<char> text_;
  std::vector<uint32_t> ends_;
  bool has_escapes_ = false;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> structure_;
};

}  // namespace weir
