#pragma once

#include <memory>
#include <string>

#include "clients/s3_access.h"
#include "connectors/files/landing.h"
#include "connectors/files/uploader.h"

namespace weir {

/// What S3 takes as a part that others follow, at least, and what a file is cut into.
constexpr uint64_t kLeastPartBytes = 5 << 20;
/// A closed file below this goes into the checkpoint, and to the bucket with one request.
constexpr size_t kSmallFileBytes = 512 << 10;

/// A part of a bucket. A file of some size is sent in parts while it grows, which nobody sees
/// before they are put together; what is not sent at a barrier is in the checkpoint. That is done,
/// and small files are put, only when the checkpoint's manifest is there.
///
/// A publisher sends a file's tail as part 10,000, which no writer ever sends: so a writer that was
/// thought dead cannot change what a manifest counts on.
class BucketLanding final : public Landing {
 public:
  /// `prefix`: of all keys, without a slash at its end. `most_bytes`: of a file, about.
  BucketLanding(std::shared_ptr<S3Access> access, std::string prefix, uint64_t most_bytes);

  Status Check(const std::string& name) override;
  Result<std::unique_ptr<Draft>> Begin(const SealedFile& file) override;
  Status Finish(const SealedFile& file, const Tail& tail, bool orphaned) override;
  Status Put(const std::string& folder, const std::string& name, std::string_view bytes) override;
  Result<int64_t> RemoveDrafts(const std::string& name_begin) override;

 private:
  std::string KeyOf(const std::string& path) const { return prefix_ + "/" + path; }
  Status FinishUpload(const SealedFile& file, const Tail& tail);
  Result<bool> IsThere(const SealedFile& file);

  const std::shared_ptr<S3Access> access_;
  const std::string prefix_;
  const uint64_t part_bytes_;
  Uploader uploader_;
};

}  // namespace weir
