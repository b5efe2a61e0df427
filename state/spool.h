#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "state/checkpoint_store.h"

namespace weir {

/// What a sink is given in one epoch. A small one stays in memory; a larger one is a file of the
/// checkpoint store from its first piece on, written and hashed while it grows, so that sealing it
/// is a mere cut and little of it is in memory at any time.
///
/// One thread at a time: the task appends, then the background finishes, then readers read, of
/// which there may be several. A file that was never finished is removed with its Spool; one that
/// was, but that no manifest names, is an orphan of the store.
class Spool {
 public:
  /// `store` outlives it; null: all stays in memory.
  explicit Spool(CheckpointStore* store) : store_(store) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  /// What a manifest names, after its size and checksum were found right.
  static Result<std::shared_ptr<Spool>> Open(const CheckpointStore& store,
                                             const proto::StoredFile& file);

  /// While the store cannot be written it makes do with memory for a while; then an error, and the
  /// bytes are not taken.
  Status Append(std::string_view bytes);
  uint64_t size() const { return pending_.size() + (file_ ? file_->size() : 0); }
  bool in_memory() const { return !file_; }
  /// All that was appended, while it is in memory; nothing is left.
  std::string TakeBytes();
  /// Makes the whole durable as a file of the store. May be called again, also after an error.
  Result<proto::StoredFile> Finish();
  /// Fills `out` from `offset` on, once finished or opened; fewer bytes only at the end.
  Result<size_t> Read(uint64_t offset, std::span<char> out) const;

 private:
  Status WritePending();
  Status Rewrite();

  CheckpointStore* const store_;
  std::string pending_;  ///< Not yet in the file.
  std::string id_;
  std::unique_ptr<files::GrowingFile> file_;
  bool sync_tried_ = false;
  std::optional<proto::StoredFile> stored_;
};

}  // namespace weir
