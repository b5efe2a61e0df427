#pragma once

#include <cstdint>
#include <string>

namespace weir {

/// Appends a code point (below 0x110000, no surrogate) in UTF-8 (RFC 3629).
void AppendUtf8(uint32_t code, std::string& out);

}  // namespace weir
