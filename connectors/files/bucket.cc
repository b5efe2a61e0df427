#include "connectors/files/bucket.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "connectors/errors.h"

namespace weir {
namespace {

/// Of the tail that a publisher sends.
constexpr uint32_t kTailPart = 10'000;
constexpr uint64_t kMiB = 1 << 20;

uint64_t PartBytes(uint64_t most_bytes) {
  const uint64_t least = most_bytes / (kTailPart - 1) + 1;
  return std::max(kLeastPartBytes, (least + kMiB - 1) / kMiB * kMiB);
}

class UploadDraft final : public Draft {
 public:
  UploadDraft(Uploader& uploader, std::string key, uint64_t part_bytes)
      : uploader_(uploader),
        file_(std::make_shared<UploadedFile>(std::move(key))),
        part_bytes_(part_bytes) {}

  Status Store(SealedFile& file, std::string& buffer, bool press) override {
    size_t taken = 0;
    Status status;
    while (status.ok() && !stopped_) {
      const size_t left = buffer.size() - taken;
      size_t part = std::min<size_t>(left, part_bytes_);
      if (part < part_bytes_ && !(file.closed && WorthSending(part, press))) part = 0;
      if (part == 0) break;
      const Result<bool> room = uploader_.HasRoom(press);
      if (!room.ok()) status = room.status();
      if (!room.ok() || !*room) break;
      status = uploader_.Send(file_, buffer.substr(taken, part));
      if (!status.ok()) break;
      taken += part;
      sent_ = true;
    }
    buffer.erase(0, taken);
    file.length += taken;
    return status;
  }

  Status Settle(SealedFile& file,
                std::vector<std::shared_ptr<const std::string>>& unsafe) override {
    if (!sent_) return Status::Ok();
    if (file.closed) {
      // So that what is sealed is all there is of it, and the publisher can end its upload.
      WEIR_TRY(uploader_.Stop(file_));
      stopped_ = true;
    }
    Uploader::Standing standing = WEIR_TRY(uploader_.Look(*file_));
    file.upload = std::move(standing.upload);
    file.parts = std::move(standing.parts);
    unsafe = std::move(standing.waiting);
    return Status::Ok();
  }

  Status Release(SealedFile&) override { return Status::Ok(); }

 private:
  /// The last bytes of a closed file.
  bool WorthSending(size_t bytes, bool press) const {
    return bytes >= kSmallFileBytes || (bytes > 0 && press);
  }

  Uploader& uploader_;
  const std::shared_ptr<UploadedFile> file_;
  const uint64_t part_bytes_;
  bool sent_ = false;
  bool stopped_ = false;
};

}  // namespace

BucketLanding::BucketLanding(std::shared_ptr<S3Access> access, std::string prefix,
                             uint64_t most_bytes)
    : access_(std::move(access)),
      prefix_(std::move(prefix)),
      part_bytes_(PartBytes(most_bytes)),
      uploader_(*access_->client) {}

Status BucketLanding::Check(const std::string& name) {
  S3Client& s3 = *access_->client;
  (void)WEIR_TRY(s3.ListUploads(KeyOf("_weir/")));
  const std::string key = KeyOf("_weir/" + name);
  return s3.EndUpload(key, WEIR_TRY(s3.BeginUpload(key)));
}

Result<std::unique_ptr<Draft>> BucketLanding::Begin(const SealedFile& file) {
  return std::unique_ptr<Draft>(
      std::make_unique<UploadDraft>(uploader_, KeyOf(file.Path()), part_bytes_));
}

Result<bool> BucketLanding::IsThere(const SealedFile& file) {
  const std::optional<uint64_t> size = WEIR_TRY(access_->client->Head(KeyOf(file.Path())));
  return size && *size >= file.length;
}

Status BucketLanding::Finish(const SealedFile& file, const Tail& tail, bool orphaned) {
  const std::string key = KeyOf(file.Path());
  if (!file.upload.empty()) return FinishUpload(file, tail);
  // What went back to an older checkpoint may know less of it than was put before.
  if (orphaned && WEIR_TRY(IsThere(file))) return Status::Ok();
  WEIR_TRY(access_->client->Put(key, WEIR_TRY(tail())));
  (void)WEIR_FAILPOINT("files.publish.put");
  return Status::Ok();
}

Status BucketLanding::FinishUpload(const SealedFile& file, const Tail& tail) {
  S3Client& s3 = *access_->client;
  const std::string key = KeyOf(file.Path());
  std::vector<S3Part> parts;
  for (const std::string& tag : file.parts) {
    parts.push_back({static_cast<uint32_t>(parts.size() + 1), tag});
  }
  bool known = true;
  if (file.tail > 0) {
    std::optional<S3Part> last =
        WEIR_TRY(s3.PutPart(key, file.upload, kTailPart, WEIR_TRY(tail())));
    (void)WEIR_FAILPOINT("files.publish.tail");
    known = last.has_value();
    if (last) parts.push_back(*std::move(last));
  }
  known = known && WEIR_TRY(s3.FinishUpload(key, file.upload, parts));
  (void)WEIR_FAILPOINT("files.publish.completed");
  if (known || WEIR_TRY(IsThere(file))) return Status::Ok();
  return Status(errors::kSealedFileGone,
                fmt::format("the upload of '{}' is gone, and a checkpoint counts on its {} bytes",
                            s3.NameOf(key), file.length),
                "see that no lifecycle rule ends uploads before the job goes on; start from an "
                "older checkpoint");
}

Status BucketLanding::Put(const std::string& folder, const std::string& name,
                          std::string_view bytes) {
  return access_->client->Put(KeyOf(folder + "/" + name), bytes);
}

Result<int64_t> BucketLanding::RemoveDrafts(const std::string& name_begin) {
  S3Client& s3 = *access_->client;
  int64_t removed = 0;
  for (const S3Upload& upload : WEIR_TRY(s3.ListUploads(prefix_ + "/"))) {
    const std::string name = upload.key.substr(upload.key.rfind('/') + 1);
    if (!name.starts_with(name_begin)) continue;
    WEIR_TRY(s3.EndUpload(upload.key, upload.id));
    (void)WEIR_FAILPOINT("files.cleanup.ended");
    removed++;
  }
  return removed;
}

}  // namespace weir
