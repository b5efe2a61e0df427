#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/s3.h"

namespace weir {

/// `path`, or `folder`/`path` where it is relative.
std::string PathIn(const std::string& folder, const std::string& path);

/// The regular files that `pattern` names, sorted: one file, a glob (`clicks/*.json`), or all files
/// in and below a folder but those whose name begins with `_` or `.` (which writers use for files
/// that are not finished). Relative patterns count from `folder`, and so do the names returned.
Result<std::vector<std::string>> FindFiles(const std::string& folder, const std::string& pattern);

/// The objects of a bucket that `pattern` names, sorted: one key, a glob over keys in which `*`
/// stops at slashes, or all below a prefix but those with a name that begins with `_` or `.`.
Result<std::vector<S3Object>> FindObjects(S3Client& s3, const std::string& pattern);

}  // namespace weir
