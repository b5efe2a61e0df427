#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "clients/s3_access.h"
#include "config/store_location.h"
#include "state/blobs.h"

namespace weir {

/// Blobs as objects of a bucket, `<folder><name>`.
///
/// Beside it lies, in a local folder:
///   <local>/growing/<id>   files that are being written; uploaded whole when they are kept
///   <local>/cache/<id>     files that were uploaded from here or fetched, as hard links where they
///                          can be; synced, so that one of the right size is the right one
/// A restore takes from the cache what it finds there. Files are put without a condition: their
/// names are never used twice, and a request that is sent again brings the same bytes. Drop gathers
/// names, to remove a thousand with one request.
class S3Blobs final : public BlobStore {
 public:
  /// `folder`: what comes before every name, with a slash at its end unless it is empty. `local`
  /// may be empty for whoever only looks: then nothing can be grown or fetched.
  static Result<std::unique_ptr<S3Blobs>> Make(const StoreLocation& location, std::string folder,
                                               std::string local);

  /// Makes the local folders: files can be fetched then.
  Status MakeFolders();
  /// The same, and finds out whether the service keeps to If-None-Match (rule 4): of two writers of
  /// one manifest it must refuse the second.
  Status Prepare();
  uint64_t requests() const { return access_->client->requests(); }

  std::string NameOf(const std::string& name) const override;
  Result<files::Digest> PutFile(const std::string& name, const std::string& path) override;
  Result<std::unique_ptr<files::GrowingFile>> Grow(const std::string& name) override;
  Status Keep(const std::string& name, files::GrowingFile& file) override;
  Result<LocalCopy> Local(const std::string& name, const files::Digest& expected,
                          bool full) override;
  Status Drop(const std::string& name) override;
  Status FinishDrops() override;
  void TrimLocal(const std::function<bool(const std::string& name)>& needed) override;
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
  void Cancel() override { access_->client->Cancel(); }

 private:
  S3Blobs(std::shared_ptr<S3Access> access, std::string prefix, std::string local)
      : access_(std::move(access)), prefix_(std::move(prefix)), local_(std::move(local)) {}
  std::string KeyOf(const std::string& name) const { return prefix_ + name; }
  std::string CachePath(const std::string& name) const;
  std::string GrowingPath(const std::string& name) const;
  Result<LocalCopy> Download(const std::string& name, const files::Digest& expected);

  const std::shared_ptr<S3Access> access_;
  const std::string prefix_;  ///< With a slash at its end.
  const std::string local_;
  std::mutex mutex_;
  std::set<std::string> growing_;     ///< Names that the service has not heard of.
  std::vector<std::string> dropped_;  ///< Keys.
};

}  // namespace weir
