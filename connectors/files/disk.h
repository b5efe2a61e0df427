#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace weir {

/// What the files sink does to a disk. Every error names the path and what failed; kFileWrite where
/// trying again can help (no room), kFileLost where it can't.
class Disk {
 public:
  virtual ~Disk() = default;
  /// Makes a new file and locks it for as long as it is open here. Fails if it is there.
  virtual Result<int> Create(const std::string& path);
  /// Writes all of `bytes` at `offset`. On an error the file is cut to `offset` again.
  virtual Status WriteAt(int file, const std::string& path, uint64_t offset,
                         std::string_view bytes);
  /// Makes the file's content safe.
  virtual Status Sync(int file, const std::string& path);
  virtual void Close(int file);
  /// Makes the folder's list of names safe.
  virtual Status SyncFolder(const std::string& path);
  /// Makes the folder and those above it, as needed.
  virtual Status MakeFolders(const std::string& path);
  virtual Status Rename(const std::string& from, const std::string& to);
  virtual Status Remove(const std::string& path);

  /// Length of a file, or -1 where there is none.
  Result<int64_t> Length(const std::string& path);
  /// Makes `to` with the first `bytes` of `from`, synced. Replaces what is at `to`.
  Status CopyFirst(const std::string& from, const std::string& to, uint64_t bytes);
  /// Whether nobody has the file open that Create made (also in this process).
  bool Abandoned(const std::string& path);
};

/// The machine's.
Disk& LocalDisk();

}  // namespace weir
