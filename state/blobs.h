#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "state/files.h"

namespace weir {

/// A blob that is there.
struct BlobInfo {
  std::string name;
  uint64_t size = 0;
  EventTime
      changed;  ///< By the clock of where it lies, give or take; never before it was put there.
};

/// Whether a name was free.
enum class Created { kNew, kTaken };

/// A copy on the local disk, or what stands in its way.
struct LocalCopy {
  bool there = false;    ///< Whether there is such a blob at all.
  files::Digest digest;  ///< What was found; `sha256` is empty where nobody looked at the bytes.
  std::string path;      ///< May be empty where the digest is not the one that was expected.
};

/// What a checkpoint store needs of the place it is in: blobs by name, with slashes, of two kinds.
/// **Files** (`files/<id>`) are put under names that are never used twice, and never change.
/// **Records** (manifests and the like) are small, and some of them are created exclusively.
///
/// Thread safe. Once a method that writes is ok, what it wrote is durable; after an error it may be
/// there or not. Errors say which blob, and are of kind kRetry where it may pass.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// A blob for messages: its path, or s3://…; `name` may be empty: all of it.
  virtual std::string NameOf(const std::string& name) const = 0;

  // Files.

  /// Takes a local file over, which the caller never changes afterwards.
  virtual Result<files::Digest> PutFile(const std::string& name, const std::string& path) = 0;
  /// A file to be written piece by piece; a blob once it is kept.
  virtual Result<std::unique_ptr<files::GrowingFile>> Grow(const std::string& name) = 0;
  virtual Status Keep(const std::string& name, files::GrowingFile& file) = 0;
  /// Brings a file to the local disk, unless it is there already: what is kept there must have the
  /// expected size and, where `full`, the checksum, and what is brought anew has both. Whoever asks
  /// must not change it. It stays as long as the store's clean-up lets it.
  virtual Result<LocalCopy> Local(const std::string& name, const files::Digest& expected,
                                  bool full) = 0;
  /// Takes away a file that nobody needs any more. May be left for later, to be done with others;
  /// what is forgotten meanwhile is an orphan.
  virtual Status Drop(const std::string& name) = 0;
  /// Does now what Drop has left for later.
  virtual Status FinishDrops() { return Status::Ok(); }
  /// Ends keeping copies on the local disk of files that are not `needed` there.
  virtual void TrimLocal(const std::function<bool(const std::string& name)>& /*needed*/) {}

  // Records.

  /// A blob with these bytes, unless the name is taken.
  virtual Result<Created> Create(const std::string& name, std::string_view bytes) = 0;
  /// The same, whatever was there before: readers see all of the old one or all of the new one.
  virtual Status Replace(const std::string& name, std::string_view bytes) = 0;
  /// The bytes; none where there is no such blob.
  virtual Result<std::optional<std::string>> Read(const std::string& name,
                                                  uint64_t limit_bytes) const = 0;
  /// Gives a record another name, which is free.
  virtual Status Move(const std::string& name, const std::string& to) = 0;

  // Wholes: a folder with files (`<folder>/files/<id>`) and a record (`<folder>/manifest`), of
  // which nothing counts before its record is there.

  /// Copies `files`, to the folder, and then puts the record there; kTaken
  /// where it has one. Nobody changes it afterwards.
  virtual Result<Created> CopyWhole(const std::string& folder, const std::set<std::string>& files,
                                    std::string_view record) = 0;
  /// Removes a whole, or what is there of one that nobody is making. Ok where it is gone already.
  virtual Status RemoveWhole(const std::string& folder) = 0;

  // All of them.

  virtual Result<std::optional<uint64_t>> Size(const std::string& name) const = 0;
  /// Size and checksum of what lies there, every byte read.
  virtual Result<std::optional<files::Digest>> DigestOf(const std::string& name) const = 0;
  /// Removes at once, in this order. Ok where they are gone already.
  virtual Status Remove(const std::vector<std::string>& names) = 0;
  /// Blobs whose names begin with `folder` and a slash, in no order.
  virtual Result<std::vector<BlobInfo>> List(const std::string& folder) const = 0;
  /// Clears away what interrupted writes of this process's predecessors left.
  virtual Status RemoveLeftovers() = 0;
  /// Ends calls that are under way, and all later ones, with an error, where calls take long.
  virtual void Cancel() {}
};

}  // namespace weir
