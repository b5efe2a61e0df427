#include "formats/avro_uuid.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/hex.h"

namespace weir {
namespace {

constexpr size_t kDashes[] = {8, 13, 18, 23};

}  // namespace

void AppendUuid(std::string& out, std::string_view bytes) {
  std::string digits = Hex(bytes);
  for (size_t at : kDashes) digits.insert(at, 1, '-');
  out += digits;
}

bool ReadUuid(std::string_view text, std::string& bytes) {
  std::string digits;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = std::find(std::begin(kDashes), std::end(kDashes), i) != std::end(kDashes);
    if ((text[i] == '-') != dash) return false;
    if (!dash) digits += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
  }
  const std::optional<std::string> read = FromHex(digits);
  if (!read || read->size() != 16) return false;
  bytes += *read;
  return true;
}

}  // namespace weir
