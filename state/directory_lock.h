#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace weir {

/// Keeps a second process out of a directory, for as long as it lives; goes with the process,
/// however that ends.
class DirectoryLock {
 public:
  /// Makes the directory where it is missing. kStateLocked where another process has it; it names
  /// that one's pid. `cure` says what to do then.
  static Result<std::unique_ptr<DirectoryLock>> Take(const std::string& directory,
                                                     const std::string& cure);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace weir
