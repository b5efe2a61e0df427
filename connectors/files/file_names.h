#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

/// `path`, or `folder`/`path` where it is relative.
std::string PathIn(const std::string& folder, const std::string& path);

/// The regular files that `pattern` names, sorted: one file, a glob (`clicks/*.json`), or all files
/// in and below a folder but those whose name begins with `_` or `.` (which writers use for files
/// that are not finished). Relative patterns count from `folder`, and so do the names returned.
Result<std::vector<std::string>> FindFiles(const std::string& folder, const std::string& pattern);

}  // namespace weir
