#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/files/sealed_files.h"

namespace weir {

/// A file of a table while a task writes it: readers do not see it. What it was given is in one of
/// two parts: what it has taken to where the file will be, and the buffer behind that, which is the
/// caller's. One thread.
class Draft {
 public:
  virtual ~Draft() = default;
  /// Takes bytes off the front of `buffer` and counts them in `file.length`; may leave some, also
  /// all of them. `press`: memory is short, so it waits for what it needs to take them, for some
  /// seconds. After an error the buffer holds what was not taken.
  virtual Status Store(SealedFile& file, std::string& buffer, bool press) = 0;
  /// Makes safe what was taken, or says what of it must be in the checkpoint: `unsafe` are the last
  /// bytes of those. Writes into `file` what a publisher needs to know of the rest.
  virtual Status Settle(SealedFile& file,
                        std::vector<std::shared_ptr<const std::string>>& unsafe) = 0;
  /// Once the file is closed: makes safe what was taken, and gives up what it has open for that.
  virtual Status Release(SealedFile& file) = 0;
};

/// Where the files of a table land: a folder or a bucket. Each writer and each publisher has one of
/// its own. Paths are relative to the table's.
class Landing {
 public:
  /// Gives the bytes of a sealed file that the checkpoint holds.
  using Tail = std::function<Result<std::string>()>;

  virtual ~Landing() = default;

  /// Whether files can land, asked before anything runs; nothing visible stays of it. `name`: of a
  /// file that may be there for a moment.
  virtual Status Check(const std::string& name) = 0;

  // For writers.

  virtual Result<std::unique_ptr<Draft>> Begin(const SealedFile& file) = 0;
  /// After drafts were settled: that they are there is safe too.
  virtual Status SettleNames() { return Status::Ok(); }

  // For publishers. All of it may be done again, with the same outcome.

  /// Makes a file visible with exactly the bytes that were sealed. `orphaned`: whoever wrote it is
  /// gone, or thought to be. kSealedFileGone where these bytes are nowhere any more.
  virtual Status Finish(const SealedFile& file, const Tail& tail, bool orphaned) = 0;
  /// After files were finished: that they are visible is safe too.
  virtual Status FinishNames() { return Status::Ok(); }
  /// A small file, whole or not at all, whatever was there.
  virtual Status Put(const std::string& folder, const std::string& name,
                     std::string_view bytes) = 0;
  /// Removes drafts whose names begin so, but for those that somebody writes. How many.
  virtual Result<int64_t> RemoveDrafts(const std::string& name_begin) = 0;
};

}  // namespace weir
