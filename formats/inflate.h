#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

/// Unpacks one whole zlib stream (RFC 1950) into `out`, which it empties first. False where it is
/// none, is cut off, has something behind it, or would be more than `most` bytes.
bool InflateZlib(std::string_view packed, size_t most, std::string& out);

}  // namespace weir
