#include "connectors/files/file_names.h"

#include <fnmatch.h>
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

/// Whether one of the names that a path is made of is hidden.
bool HasHiddenName(std::string_view path) {
  while (!path.empty()) {
    if (path[0] == '_' || path[0] == '.') return true;
    path.remove_prefix(std::min(path.find('/'), path.size() - 1) + 1);
  }
  return false;
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

Result<std::vector<S3Object>> FindObjects(S3Client& s3, const std::string& pattern) {
  const size_t wild = pattern.find_first_of("*?[");
  const std::string below = pattern.ends_with('/') ? pattern : pattern + "/";
  const auto named = [&](const std::string& key) {
    if (wild != std::string::npos) {
      return fnmatch(pattern.c_str(), key.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
    }
    return key == pattern || (key.starts_with(below) && !key.ends_with('/') &&
                              !HasHiddenName(std::string_view(key).substr(below.size())));
  };
  std::vector<S3Object> objects;
  WEIR_TRY(s3.ListPages(pattern.substr(0, wild), [&](std::vector<S3Object> page) -> Status {
    for (S3Object& object : page) {
      if (named(object.key)) objects.push_back(std::move(object));
    }
    if (objects.size() <= kMostFiles) return Status::Ok();
    return Unreadable(s3.NameOf(pattern), "too many files");
  }));
  if (objects.empty()) {
    return Status(errors::kNoFiles, fmt::format("there is no object '{}'", s3.NameOf(pattern)),
                  "check the path: names with '/' between them, without one at its beginning");
  }
  return objects;
}

}  // namespace weir
