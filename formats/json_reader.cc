#include "formats/json_reader.h"

#include <cstdint>
#include <cstring>

#include "base/utf8.h"
#include "formats/values.h"

namespace weir {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four digits of \uXXXX at `at`, or -1.
int32_t ReadHex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t value = 0;
  for (size_t i = at; i < at + 4; i++) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

char SimpleEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

char JsonReader::Peek() {
  while (position_ < text_.size() && IsSpace(text_[position_])) position_++;
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool JsonReader::Take(char c) {
  if (Peek() != c || position_ >= text_.size()) return false;
  position_++;
  return true;
}

bool JsonReader::ReadString(std::string_view& raw, bool& escaped) {
  if (!Take('"')) return false;
  const size_t begin = position_;
  escaped = false;
  while (position_ < text_.size()) {
    const auto c = static_cast<unsigned char>(text_[position_]);
    if (c == '"') {
      raw = text_.substr(begin, position_ - begin);
      position_++;
      return !escaped || CheckJsonEscapes(raw);
    }
    if (c < 0x20) return false;
    if (c == '\\') {
      escaped = true;
      position_++;
    }
    position_++;
  }
  return false;
}

bool JsonReader::ReadScalar(std::string_view& token) {
  const char c = Peek();
  const size_t begin = position_;
  if (c == '"') {
    std::string_view raw;
    bool escaped = false;
    if (!ReadString(raw, escaped)) return false;
    token = text_.substr(begin, position_ - begin);
    return true;
  }
  while (position_ < text_.size() && !IsSpace(text_[position_]) && text_[position_] != ',' &&
         text_[position_] != ']' && text_[position_] != '}') {
    position_++;
  }
  token = text_.substr(begin, position_ - begin);
  return token == "true" || token == "false" || token == "null" || IsJsonNumber(token);
}

bool JsonReader::Enter(char open) {
  if (depth_ >= kDeepestJson) {
    too_deep_ = true;
    return false;
  }
  if (!Take(open)) return false;
  depth_++;
  return true;
}

bool JsonReader::NextField(bool first, std::string_view& raw_name, bool& escaped, bool& fault) {
  fault = false;
  if (Take('}')) {
    depth_--;
    return false;
  }
  if ((first || Take(',')) && ReadString(raw_name, escaped) && Take(':')) return true;
  fault = true;
  return false;
}

bool JsonReader::NextElement(bool first, bool& fault) {
  fault = false;
  if (Take(']')) {
    depth_--;
    return false;
  }
  if (first || Take(',')) return true;
  fault = true;
  return false;
}

bool JsonReader::SkipValue() {
  const char c = Peek();
  bool fault = false;
  if (c == '{') {
    if (!Enter('{')) return false;
    std::string_view name;
    bool escaped = false;
    for (bool first = true; NextField(first, name, escaped, fault); first = false) {
      if (!SkipValue()) return false;
    }
    return !fault;
  }
  if (c == '[') {
    if (!Enter('[')) return false;
    for (bool first = true; NextElement(first, fault); first = false) {
      if (!SkipValue()) return false;
    }
    return !fault;
  }
  std::string_view token;
  return ReadScalar(token);
}

bool JsonReader::ReadValue(std::string_view& span) {
  Peek();
  const size_t begin = position_;
  if (!SkipValue()) return false;
  span = text_.substr(begin, position_ - begin);
  return true;
}

bool CheckJsonEscapes(std::string_view raw) {
  for (size_t i = 0; i < raw.size(); i++) {
    if (static_cast<unsigned char>(raw[i]) < 0x20) return false;
    if (raw[i] != '\\') continue;
    if (++i >= raw.size()) return false;
    if (raw[i] == 'u') {
      if (ReadHex4(raw, i + 1) < 0) return false;
      i += 4;
    } else if (SimpleEscape(raw[i]) == '\0') {
      return false;
    }
  }
  return true;
}

bool UnescapeJson(std::string_view raw, std::string& out) {
  size_t i = 0;
  while (i < raw.size()) {
    const void* found = std::memchr(raw.data() + i, '\\', raw.size() - i);
    const size_t next = found == nullptr
                            ? raw.size()
                            : static_cast<size_t>(static_cast<const char*>(found) - raw.data());
    out.append(raw, i, next - i);
    if (next == raw.size()) return true;
    i = next + 1;
    if (i >= raw.size()) return false;
    if (raw[i] != 'u') {
      const char c = SimpleEscape(raw[i]);
      if (c == '\0') return false;
      out += c;
      i++;
      continue;
    }
    const int32_t unit = ReadHex4(raw, i + 1);
    if (unit < 0) return false;
    i += 5;
    uint32_t code = static_cast<uint32_t>(unit);
    if (code >= 0xd800 && code < 0xe000) {
      const int32_t low = code < 0xdc00 && raw.substr(i, 2) == "\\u" ? ReadHex4(raw, i + 2) : -1;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<uint32_t>(low) - 0xdc00);
        i += 6;
      } else {
        code = 0xfffd;
      }
    }
    AppendUtf8(code, out);
  }
  return true;
}

void AppendCompactJson(std::string_view text, std::string& out) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (!quoted && IsSpace(c)) continue;
    out += c;
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted && c == '\\' && i + 1 < text.size()) {
      out += text[++i];
    }
  }
}

}  // namespace weir
