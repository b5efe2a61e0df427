#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"

namespace weir {

/// What tells that a file is not the one it was.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  mode_t mode = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
/// None where the file is not there or cannot be seen.
std::optional<FileStamp> StampOf(const std::string& path);

/// What some files say, read again when they change: looked at each time it is asked for. Files
/// that are not in order when they change, half of a pair or wrong, are told in the log once, and
/// what they said before goes on to count. Thread safe.
template <typename T>
class WatchedFiles {
 public:
  using Load = std::function<Result<std::shared_ptr<const T>>()>;

  /// The error of the first load is the caller's.
  static Result<std::unique_ptr<WatchedFiles>> Open(std::vector<std::string> paths, Load load) {
    std::unique_ptr<WatchedFiles> watched(new WatchedFiles(std::move(paths), std::move(load)));
    watched->stamps_ = watched->Stamps();
    watched->value_ = WEIR_TRY(watched->load_());
    return watched;
  }

  std::shared_ptr<const T> Get() {
    std::lock_guard lock(mutex_);
    std::vector<std::optional<FileStamp>> stamps = Stamps();
    if (stamps == stamps_) return value_;
    stamps_ = std::move(stamps);
    Result<std::shared_ptr<const T>> loaded = load_();
    if (loaded.ok()) {
      value_ = std::move(loaded).value();
      log::Info("read again", {{"file", paths_.front()}});
    } else {
      log::Error("a changed file is not in order; what it said before still counts",
                 {{"reason", loaded.status().ToString()}});
    }
    return value_;
  }

 private:
  WatchedFiles(std::vector<std::string> paths, Load load)
      : paths_(std::move(paths)), load_(std::move(load)) {}
  std::vector<std::optional<FileStamp>> Stamps() const {
    std::vector<std::optional<FileStamp>> stamps;
    for (const std::string& path : paths_) stamps.push_back(StampOf(path));
    return stamps;
  }

  const std::vector<std::string> paths_;
  const Load load_;
  std::mutex mutex_;
  std::vector<std::optional<FileStamp>> stamps_;
  std::shared_ptr<const T> value_;
};

/// WEIR-T005 where others than its owner may read or write the file.
Status CheckPrivate(const std::string& path);

}  // namespace weir
