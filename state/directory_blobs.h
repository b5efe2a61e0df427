#pragma once

#include <set>
#include <string>

#include "state/blobs.h"

namespace weir {

/// Blobs as files under a directory, which all that use it see as one (a local disk, or one that is
/// shared). Files are taken over by hard link where they are on the same file system; a name is
/// taken exclusively by link(2), which fails where it is there. Every write is synced, its
/// directory too. Nothing takes long enough to be cancelled.
class DirectoryBlobs final : public BlobStore {
 public:
  /// `root` is there already, with the folders files and publishing in it.
  explicit DirectoryBlobs(std::string root) : root_(std::move(root)) {}
  /// Makes them where they are missing, durably.
  static Status MakeFolders(const std::string& root);

  std::string NameOf(const std::string& name) const override;
  Result<files::Digest> PutFile(const std::string& name, const std::string& path) override;
  Result<std::unique_ptr<files::GrowingFile>> Grow(const std::string& name) override;
  Status Keep(const std::string& name, files::GrowingFile& file) override;
  Result<LocalCopy> Local(const std::string& name, const files::Digest& expected,
                          bool full) override;
  Status Drop(const std::string& name) override;
  Result<Created> Create(const std::string& name, std::string_view bytes) override;
  Status Replace(const std::string& name, std::string_view bytes) override;
  Result<std::optional<std::string>> Read(const std::string& name,
                                          uint64_t limit_bytes) const override;
  Status Move(const std::string& name, const std::string& to) override;
  Result<Created> CopyWhole(const std::string& folder, const std::set<std::string>& files,
                            std::string_view record) override;
  Status RemoveWhole(const std::string& folder) override;
  Result<std::optional<uint64_t>> Size(const std::string& name) const override;
  Result<std::optional<files::Digest>> DigestOf(const std::string& name) const override;
  Status Remove(const std::vector<std::string>& names) override;
  Result<std::vector<BlobInfo>> List(const std::string& folder) const override;
  Status RemoveLeftovers() override;

 private:
  Status RemoveFolder(const std::string& path) const;
  const std::string root_;
};

}  // namespace weir
