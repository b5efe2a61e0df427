#pragma once

#include <string>
#include <vector>

#include "connectors/files/disk.h"
#include "connectors/files/landing.h"

namespace weir {

/// A local (or mounted) folder. A draft is a file with a name that readers ignore; it gets its own
/// by being renamed.
class FolderLanding final : public Landing {
 public:
  /// `disk` outlives it.
  FolderLanding(std::string root, Disk& disk) : root_(std::move(root)), disk_(disk) {}

  Status Check(const std::string& name) override;
  Result<std::unique_ptr<Draft>> Begin(const SealedFile& file) override;
  Status SettleNames() override;
  Status Finish(const SealedFile& file, const Tail& tail, bool orphaned) override;
  Status FinishNames() override;
  Status Put(const std::string& folder, const std::string& name, std::string_view bytes) override;
  Result<int64_t> RemoveDrafts(const std::string& name_begin) override;

 private:
  std::string In(const std::string& path) const { return root_ + "/" + path; }
  std::string FolderOf(const SealedFile& file) const;

  const std::string root_;
  Disk& disk_;
  std::vector<std::string> unsynced_;  ///< Folders with new names in them.
};

}  // namespace weir
