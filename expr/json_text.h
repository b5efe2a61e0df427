#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The only place of expressions that reads JSON.

/// Whether `text` is one JSON value, at most 64 deep.
bool IsJson(std::string_view text);
/// The value of `json` under `path` (`a.b[0]`, list places counted from 0 as JSON tools do), as
/// text: strings without quotes, all else as JSON. Nullopt where there is none, or null.
/// `valid` is set to false where `json` is not JSON.
std::optional<std::string> JsonAt(std::string_view json, std::string_view path, bool& valid);

}  // namespace weir
