#pragma once

#include <string>
#include <string_view>

/// Base64 (RFC 4648, section 4): the standard alphabet, padded.
namespace weir {

std::string Base64(std::string_view bytes);
void AppendBase64(std::string& out, std::string_view bytes);
/// Reads what AppendBase64 writes (padding may be missing) and appends the bytes; false, with `out`
/// as it was, where it is not base64.
bool DecodeBase64(std::string_view text, std::string& out);

}  // namespace weir
