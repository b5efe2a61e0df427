#pragma once

#include <string>
#include <string_view>

#include "batch/column.h"

namespace weir {

/// `value / unit`, toward minus infinity; `unit` is positive.
inline int64_t FloorDivide(int64_t value, int64_t unit) {
  return value / unit - (value % unit < 0 ? 1 : 0);
}

/// Reads a decimal's unscaled value: two's complement, the highest byte first. False where it is
/// empty or has more than 128 bits.
bool ReadAvroDecimal(std::string_view bytes, Int128& value);

/// Appends the least bytes that hold `value`, or as many as `size` says (0: the least). False where
/// these are too few; nothing is appended then.
bool AppendAvroDecimal(std::string& out, Int128 value, size_t size);

/// Greatest precision whose values fit a fixed of `size` bytes; 0 where it has none.
int PrecisionOfFixed(size_t size);

}  // namespace weir
