#include "base/base64.h"

#include <cstdint>

namespace weir {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text;
  AppendBase64(text, bytes);
  return text;
}

void AppendBase64(std::string& out, std::string_view bytes) {
  size_t i = 0;
  const auto byte = [&](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at]));
  };
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kBase64[three >> 18];
    out += kBase64[three >> 12 & 63];
    out += kBase64[three >> 6 & 63];
    out += kBase64[three & 63];
  }
  if (bytes.size() - i == 1) {
    out += kBase64[byte(i) >> 2];
    out += kBase64[byte(i) << 4 & 63];
    out += "==";
  } else if (bytes.size() - i == 2) {
    const uint32_t two = byte(i) << 8 | byte(i + 1);
    out += kBase64[two >> 10];
    out += kBase64[two >> 4 & 63];
    out += kBase64[two << 2 & 63];
    out += '=';
  }
}

bool DecodeBase64(std::string_view text, std::string& out) {
  size_t padding = 0;
  while (!text.empty() && text.back() == '=' && padding < 2) {
    text.remove_suffix(1);
    padding++;
  }
  if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0)) return false;
  const size_t before = out.size();
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      out.resize(before);
      return false;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return true;
}

}  // namespace weir
