#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace weir {

/// Deepest nesting of a JSON record.
inline constexpr int kDeepestJson = 128;

/// Walks one JSON text strictly (RFC 8259), value by value, without a tree. The text must be UTF-8;
/// strings are given raw, as they stand between their quotes.
///
/// Every function that returns false for a fault leaves the place in `position()`; after a fault
/// nothing more may be read.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text, int depth = 0) : text_(text), depth_(depth) {}

  /// First character of the next value or token, '\0' at the end.
  char Peek();
  size_t position() const { return position_; }
  /// Set where the text is nested deeper than kDeepestJson.
  bool too_deep() const { return too_deep_; }
  /// Whether nothing but white space is left.
  bool AtEnd() { return Peek() == '\0' && position_ == text_.size(); }

  /// A string: what is between its quotes; escapes are checked, not resolved.
  bool ReadString(std::string_view& raw, bool& escaped);
  /// A number, true, false or null, or a string with its quotes.
  bool ReadScalar(std::string_view& token);
  /// Any value, checked throughout; `span` is its text.
  bool ReadValue(std::string_view& span);

  /// `{` or `[`.
  bool Enter(char open);
  /// After Enter('{'): whether there is another field, and its name; at the end takes the brace.
  /// False with `fault` set where the text is wrong.
  bool NextField(bool first, std::string_view& raw_name, bool& escaped, bool& fault);
  /// After Enter('['): whether there is another element.
  bool NextElement(bool first, bool& fault);

 private:
  bool SkipValue();
  bool Take(char c);

  std::string_view text_;
  size_t position_ = 0;
  int depth_;
  bool too_deep_ = false;
};

/// Whether there is a backslash.
inline bool HasEscape(std::string_view raw) {
  size_t i = 0;
  for (; i + 8 <= raw.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, raw.data() + i, 8);
    word ^= 0x5c5c5c5c5c5c5c5c;
    // Bytes that are zero now.
    if (((word - 0x0101010101010101) & ~word & 0x8080808080808080) != 0) return true;
  }
  for (; i < raw.size(); i++) {
    if (raw[i] == '\\') return true;
  }
  return false;
}
/// Whether the escapes in a raw string are JSON's, and no bare control character is in it.
bool CheckJsonEscapes(std::string_view raw);
/// Appends the raw string with its escapes resolved. A lone surrogate becomes U+FFFD. False where
/// an escape is wrong.
bool UnescapeJson(std::string_view raw, std::string& out);
/// Appends JSON text without the white space between its tokens.
void AppendCompactJson(std::string_view text, std::string& out);

}  // namespace weir
