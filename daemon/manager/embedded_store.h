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

  /// All records as they are at one moment, into one file; beside other calls.
  Status Backup(const std::string& path) const { return store_->Backup(path); }
  /// A new store of it. The manager that opens it begins a term of its own.
  static Status Restore(const std::string& path, const std::string& directory) {
    return KeyValueStore::Restore(path, directory);
  }

 private:
  explicit EmbeddedStore(std::unique_ptr<KeyValueStore> store)
      : RecordStore(Bounds{}), store_(std::move(store)) {}
  Result<std::vector<Entry>> Scan(std::string_view prefix) override { return store_->Scan(prefix); }
  Status Write(std::span<const Change> changes) override { return store_->Write(changes); }

  const std::unique_ptr<KeyValueStore> store_;
};

}  // namespace weir::manager
