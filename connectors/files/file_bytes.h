#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "clients/s3_access.h"

namespace weir {

/// The bytes of a file as they lie there: of its first so many, which it had when the source began.
/// A file that is shorter now, or is another, is an error. One thread.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  /// Must be called before all else, once.
  virtual Status Open() = 0;
  virtual Status Seek(uint64_t offset) = 0;
  /// Appends up to `most` bytes from where it stands, and one at least unless it stands at the end.
  /// An error of kind kRetry may be followed by the same call.
  virtual Status Read(size_t most, std::string& out) = 0;
};

/// `name` is for messages.
std::unique_ptr<FileBytes> BytesOfFile(std::string path, std::string name, uint64_t size);
/// Of an object with that ETag, some MiB of it at a time; `access` outlives it.
std::unique_ptr<FileBytes> BytesOfObject(S3Access& access, std::string key, uint64_t size,
                                         std::string tag);

}  // namespace weir
