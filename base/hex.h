#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Bytes as hexadecimal digits, lower case.
std::string Hex(std::string_view bytes);
/// Reads what Hex writes; none where it is something else.
std::optional<std::string> FromHex(std::string_view text);

}  // namespace weir
