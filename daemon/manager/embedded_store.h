#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/manager/record_store.h"

namespace weir::manager {

/// The store of a manager that is alone: a folder that one process can have open at a time, which
/// is all the election that there is. Beside the records it keeps `term`.
class EmbeddedStore final : public RecordStore {
 public:
  static Result<std::unique_ptr<EmbeddedStore>> Open(const std::string& directory);
  /// Waits for what was put.
  ~EmbeddedStore() override;

  Result<Leadership> Lead(LeadershipListener& listener) override;

  /// For Restore.
  Result<std::string> Backup() const override { return store_->Backup(); }
  /// Makes a new store of a file with such a backup, for a manager whose own is lost. What that one
  /// has done since the backup is not known, so terms and attempts go on far above those of the
  /// backup: otherwise workers, and the checkpoints of jobs that have had attempts since, would
  /// refuse them as old ones (protocol rules 2 and 31).
  static Status Restore(const std::string& path, const std::string& directory);
  /// Where a manager keeps it, in its state directory.
  static std::string In(const std::string& state_dir) { return state_dir + "/jobs"; }

 private:
  explicit EmbeddedStore(std::unique_ptr<KeyValueStore> store)
      : RecordStore(Bounds{}), store_(std::move(store)) {}
  Result<std::vector<Entry>> Scan(std::string_view prefix) override { return store_->Scan(prefix); }
  Status Write(std::span<const Change> changes) override { return store_->Write(changes); }

  const std::unique_ptr<KeyValueStore> store_;
};

}  // namespace weir::manager
