#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Appends 16 bytes as `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
void AppendUuid(std::string& out, std::string_view bytes);
/// Reads that (capitals too) and appends the 16 bytes; false, with `bytes` as it was, where it is
/// none.
bool ReadUuid(std::string_view text, std::string& bytes);

}  // namespace weir
