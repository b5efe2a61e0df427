#pragma once

#include <string_view>

namespace weir {

/// Whether `text` is valid UTF-8 (no surrogates, nothing overlong).
bool IsUtf8(std::string_view text);

}  // namespace weir
