#include "connectors/kafka/java_properties.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

char SimpleEscape(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

/// The UTF-16 unit of the escape `\u0000` that `text` begins with.
std::optional<uint32_t> EscapedUnit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  const char* const digits = text.data() + 2;
  if (std::from_chars(digits, digits + 4, unit, 16).ptr != digits + 4) return std::nullopt;
  return unit;
}

/// Takes Java's escapes away; nullopt where a `\u` is not a character.
std::optional<std::string> Unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text[0] != '\\' || text.size() == 1) {
      AppendUtf8(static_cast<unsigned char>(text[0]), plain);
      text.remove_prefix(1);
    } else if (text[1] != 'u') {
      AppendUtf8(static_cast<unsigned char>(SimpleEscape(text[1])), plain);
      text.remove_prefix(2);
    } else {
      std::optional<uint32_t> code = EscapedUnit(text);
      if (!code || (*code >= 0xdc00 && *code < 0xe000)) return std::nullopt;
      text.remove_prefix(6);
      if (*code >= 0xd800 && *code < 0xdc00) {
        const std::optional<uint32_t> low = EscapedUnit(text);
        if (!low || *low < 0xdc00 || *low >= 0xe000) return std::nullopt;
        text.remove_prefix(6);
        *code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
      }
      AppendUtf8(*code, plain);
    }
  }
  return plain;
}

/// Whether an odd number of backslashes ends the line, so that the next one belongs to it.
bool GoesOn(std::string_view line) {
  size_t slashes = 0;
  while (slashes < line.size() && line[line.size() - 1 - slashes] == '\\') slashes++;
  return slashes % 2 == 1;
}

std::string_view SkipBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  return text;
}

/// A whole line: `key = value`, `key: value` or `key value`.
std::optional<JavaProperty> Split(std::string_view whole, int line) {
  size_t end = 0;
  while (end < whole.size() && !IsBlank(whole[end]) && whole[end] != '=' && whole[end] != ':') {
    end += whole[end] == '\\' ? 2 : 1;
  }
  end = std::min(end, whole.size());
  std::string_view value = SkipBlanks(whole.substr(end));
  if (value.starts_with('=') || value.starts_with(':')) value = SkipBlanks(value.substr(1));
  std::optional<std::string> plain_key = Unescape(whole.substr(0, end));
  std::optional<std::string> plain_value = Unescape(value);
  if (!plain_key || !plain_value) return std::nullopt;
  return JavaProperty{*std::move(plain_key), *std::move(plain_value), line};
}

}  // namespace

Result<std::vector<JavaProperty>> ReadJavaProperties(std::string_view text,
                                                     const std::string& file) {
  std::vector<JavaProperty> properties;
  std::string whole;
  int first = 0;
  for (int number = 1; !text.empty(); number++) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = SkipBlanks(line);
    if (whole.empty()) {
      if (line.empty() || line.front() == '#' || line.front() == '!') continue;
      first = number;
    }
    const bool goes_on = GoesOn(line);
    if (goes_on) line.remove_suffix(1);
    whole += line;
    if (goes_on && !text.empty()) continue;
    auto property = Split(whole, first);
    if (!property) {
      return Status(errors::kConnectionOption,
                    fmt::format("{}:{}: a \\u that is no character", file, first),
                    "write \\u and four hexadecimal digits, and a backslash as \\\\");
    }
    properties.push_back(*std::move(property));
    whole.clear();
  }
  return properties;
}

}  // namespace weir::kafka
