#include "connectors/files/file_names.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "connectors/errors.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFiles = 1000000;

Status Unreadable(const std::string& path, const std::string& why) {
  return Status(errors::kFileRead, fmt::format("'{}' cannot be read: {}", path, why));
}

bool Hidden(const fs::path& name) {
  const std::string text = name.filename().string();
  return !text.empty() && (text[0] == '_' || text[0] == '.');
}

/// All files below `folder`; folders that are hidden are not entered.
Status AddFolder(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code fault;
  fs::recursive_directory_iterator at(folder, fault);
  const fs::recursive_directory_iterator end;
  for (; !fault && at != end; at.increment(fault)) {
    std::error_code ignored;
    if (Hidden(at->path())) {
      if (at->is_directory(ignored)) at.disable_recursion_pending();
      continue;
    }
    if (at->is_regular_file(ignored)) files.push_back(at->path().string());
    if (files.size() > kMostFiles) return Unreadable(folder.string(), "too many files");
  }
  return fault ? Unreadable(folder.string(), fault.message()) : Status::Ok();
}

}  // namespace

std::string PathIn(const std::string& folder, const std::string& path) {
  if (folder.empty() || (!path.empty() && path[0] == '/')) return path;
  return folder + "/" + path;
}

Result<std::vector<std::string>> FindFiles(const std::string& folder, const std::string& pattern) {
  const std::string whole = PathIn(folder, pattern);
  std::vector<std::string> files;
  std::error_code fault;
  if (fs::is_directory(whole, fault)) {
    WEIR_TRY(AddFolder(whole, files));
  } else if (fs::is_regular_file(whole, fault)) {
    files.push_back(whole);
  } else {
    glob_t found = {};
    const int outcome = glob(whole.c_str(), GLOB_NOSORT, nullptr, &found);
    for (size_t i = 0; outcome == 0 && i < found.gl_pathc; i++) {
      if (fs::is_regular_file(found.gl_pathv[i], fault)) files.emplace_back(found.gl_pathv[i]);
    }
    globfree(&found);
    if (outcome != 0 && outcome != GLOB_NOMATCH) return Unreadable(whole, "the pattern failed");
  }
  if (files.empty()) {
    return Status(errors::kNoFiles, fmt::format("there is no file '{}'", whole),
                  "check the path; relative ones count from the job's folder");
  }
  const bool relative = whole != pattern;
  for (std::string& file : files) {
    if (relative && file.starts_with(folder + "/")) file.erase(0, folder.size() + 1);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace weir
