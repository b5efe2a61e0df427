#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir::files {

/// Plain files with errors as Status. `code` is what an error of the system becomes; its message
/// names the path and the system's reason, its cure what can be done about it.

/// The error of `operation` on `path` as `errno` (or `number`) tells it.
Status SystemError(const ErrorCode& code, std::string_view operation, const std::string& path,
                   int number);

Status MakeDirectories(const ErrorCode& code, const std::string& path);
/// Makes names created in, or removed from, a directory durable.
Status SyncDirectory(const ErrorCode& code, const std::string& path);
/// Makes an existing file's bytes durable.
Status SyncFile(const ErrorCode& code, const std::string& path);
/// A new file (must not be there) with these bytes, synced; the directory is not.
Status WriteNew(const ErrorCode& code, const std::string& path, std::string_view bytes);
/// Replaces a file atomically and durably, directory included.
Status Replace(const ErrorCode& code, const std::string& path, std::string_view bytes);
/// The whole file; `missing` is set instead of an error where there is none. Refused above
/// `limit_bytes`.
Result<std::string> Read(const ErrorCode& code, const std::string& path, uint64_t limit_bytes,
                         bool* missing = nullptr);
/// Size of a file; `missing` as above.
Result<uint64_t> Size(const ErrorCode& code, const std::string& path, bool* missing = nullptr);
/// Hard link where both are on one file system, else a synced copy. `to` must not be there.
Status LinkOrCopy(const ErrorCode& code, const std::string& from, const std::string& to);
Status Copy(const ErrorCode& code, const std::string& from, const std::string& to);
/// Ok also where it is gone already.
Status Remove(const ErrorCode& code, const std::string& path);
/// A folder with all that is in it; ok where it is gone. Does not follow symbolic links.
Status RemoveAll(const ErrorCode& code, const std::string& path);
/// Names in a directory, sorted; none where it is missing.
Result<std::vector<std::string>> List(const ErrorCode& code, const std::string& path);

/// SHA-256, 32 bytes.
std::string Sha256(std::string_view bytes);
/// SHA-256 and size of a file, read in pieces.
struct Digest {
  std::string sha256;
  uint64_t size = 0;
};
Result<Digest> DigestOf(const ErrorCode& code, const std::string& path, bool* missing = nullptr);

/// The digest of bytes that come in pieces.
class Digester {
 public:
  Digester();
  ~Digester();
  void Add(std::string_view bytes);
  /// Of all so far; more may follow.
  Digest digest() const;

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
  uint64_t size_ = 0;
};

/// A file that is written piece by piece, hashed on the way, and can be read all the while. `code`
/// is what its errors become. Not thread safe, but once nothing is appended any more it may be read
/// by several.
class GrowingFile {
 public:
  /// A new file (must not be there); neither it nor its directory is synced.
  static Result<std::unique_ptr<GrowingFile>> Create(const ErrorCode& code, std::string path);
  /// Of a file that is there, only to be read. Its digest is not known.
  static Result<std::unique_ptr<GrowingFile>> Open(const ErrorCode& code, std::string path);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  /// All of it or, where there is an error, nothing.
  Status Append(std::string_view bytes);
  /// Makes the bytes durable. After an error it must not be asked again: what could not be written
  /// may have been dropped.
  Status Sync();
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// Of what was appended.
  Digest digest() const { return digester_.digest(); }
  /// Fills `out` from `offset` on; fewer bytes only at the end.
  Result<size_t> Read(uint64_t offset, std::span<char> out) const;

 private:
  GrowingFile(const ErrorCode& code, std::string path, int fd);

  const ErrorCode& code_;
  const std::string path_;
  const int fd_;
  uint64_t size_ = 0;
  Digester digester_;
};

}  // namespace weir::files
