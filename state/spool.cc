#include "state/spool.h"

#include "base/ids.h"
#include "state/errors.h"

namespace weir {
namespace {

/// So much stays in memory, and is written at once.
constexpr size_t kPieceBytes = 256 << 10;
/// So much memory may be held while the store cannot be written.
constexpr size_t kPatienceBytes = 64 << 20;

}  // namespace

Spool::~Spool() {
  if (file_ && !stored_) (void)store_->RemoveFile(id_);
}

Result<std::shared_ptr<Spool>> Spool::Open(const CheckpointStore& store,
                                           const proto::StoredFile& file) {
  auto spool = std::make_shared<Spool>(nullptr);
  spool->file_ = WEIR_TRY(store.OpenFile(file));
  spool->stored_ = file;
  return spool;
}

Status Spool::Append(std::string_view bytes) {
  if (store_ != nullptr && !pending_.empty() && pending_.size() + bytes.size() > kPieceBytes) {
    Status written = WritePending();
    if (!written.ok() && pending_.size() + bytes.size() > kPatienceBytes) return written;
  }
  pending_.append(bytes);
  return Status::Ok();
}

std::string Spool::TakeBytes() {
  WEIR_CHECK(in_memory());
  return std::exchange(pending_, {});
}

Status Spool::WritePending() {
  if (!file_) {
    id_ = "outbox-" + RandomId();
    file_ = WEIR_TRY(store_->NewFile(id_));
  }
  WEIR_TRY(file_->Append(pending_));
  pending_.clear();
  return Status::Ok();
}

/// A sync that failed once says nothing when it succeeds the next time: what it could not write may
/// have been dropped. So the bytes go into another file, and must be the same still.
Status Spool::Rewrite() {
  const std::string id = "outbox-" + RandomId();
  std::unique_ptr<files::GrowingFile> file = WEIR_TRY(store_->NewFile(id));
  std::string piece(kPieceBytes, '\0');
  while (file->size() < file_->size()) {
    const size_t got = WEIR_TRY(file_->Read(file->size(), piece));
    if (got == 0) break;
    WEIR_TRY(file->Append(std::string_view(piece).substr(0, got)));
  }
  if (file->digest().sha256 != file_->digest().sha256) {
    return Status(errors::kCheckpointDamaged, "an outbox that could not be synced is damaged",
                  "see the disk of the state directory; the job goes on from its last checkpoint");
  }
  (void)store_->RemoveFile(id_);
  id_ = id;
  file_ = std::move(file);
  sync_tried_ = false;
  return Status::Ok();
}

Result<proto::StoredFile> Spool::Finish() {
  if (stored_) return *stored_;
  WEIR_TRY(WritePending());
  if (sync_tried_) WEIR_TRY(Rewrite());
  sync_tried_ = true;
  stored_ = WEIR_TRY(store_->Adopt(*file_, id_, "outbox"));
  return *stored_;
}

Result<size_t> Spool::Read(uint64_t offset, std::span<char> out) const {
  WEIR_CHECK(stored_.has_value());
  return file_->Read(offset, out);
}

}  // namespace weir
