#include "formats/avro_number.h"

#include <algorithm>
#include <cmath>

namespace weir {

bool ReadAvroDecimal(std::string_view bytes, Int128& value) {
  if (bytes.empty()) return false;
  const bool negative = static_cast<int8_t>(bytes[0]) < 0;
  const char sign = negative ? '\xff' : '\0';
  while (bytes.size() > sizeof(Int128)) {
    if (bytes[0] != sign) return false;
    bytes.remove_prefix(1);
  }
  if ((static_cast<int8_t>(bytes[0]) < 0) != negative) return false;
  unsigned __int128 raw = negative ? ~static_cast<unsigned __int128>(0) : 0;
  for (char byte : bytes) raw = raw << 8 | static_cast<uint8_t>(byte);
  value = static_cast<Int128>(raw);
  return true;
}

bool AppendAvroDecimal(std::string& out, Int128 value, size_t size) {
  size_t least = 1;
  for (Int128 rest = value; rest > 127 || rest < -128; rest >>= 8) least++;
  if (size == 0) size = least;
  if (size < least) return false;
  for (size_t i = size; i > 0; i--) {
    // Beyond 128 bits there is only the sign.
    const size_t shift = std::min<size_t>((i - 1) * 8, 127);
    out.push_back(static_cast<char>(value >> shift));
  }
  return true;
}

int PrecisionOfFixed(size_t size) {
  if (size == 0) return 0;
  const double bits = static_cast<double>(std::min<size_t>(size, 1000)) * 8 - 1;
  return static_cast<int>(std::floor(bits * std::log10(2.0)));
}

}  // namespace weir
