#include "state/s3_blobs.h"

#include <filesystem>

#include "base/failpoint.h"
#include "base/ids.h"
#include "clients/errors.h"
#include "state/errors.h"

namespace weir {
namespace {

using errors::kLocalState;
using errors::kStoreUnavailable;

/// More names of dropped files are not remembered: they are found as orphans.
constexpr size_t kMostDropped = 100'000;
constexpr uint64_t kMostRecordBytes = uint64_t{1} << 30;
constexpr std::string_view kPartial = ".part-";

std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

/// What an armed `error` failpoint looks like to callers.
Status Unavailable(const std::string& name) {
  return Status(kStoreUnavailable, "cannot write " + name + ": a failpoint says so");
}

}  // namespace

Result<std::unique_ptr<S3Blobs>> S3Blobs::Make(const StoreLocation& location, std::string folder,
                                               std::string local) {
  std::shared_ptr<S3Access> access = WEIR_TRY(S3Access::Open(location, location.bucket()));
  return std::unique_ptr<S3Blobs>(
      new S3Blobs(std::move(access), std::move(folder), std::move(local)));
}

Status S3Blobs::MakeFolders() {
  WEIR_TRY(files::MakeDirectories(kLocalState, local_ + "/growing"));
  return files::MakeDirectories(kLocalState, local_ + "/cache");
}

Status S3Blobs::Prepare() {
  WEIR_TRY(MakeFolders());
  const auto refused = [&](const std::string& why) {
    return Status(errors::kStoreNotExclusive,
                  access_->client->NameOf(KeyOf("probe")) + " " + why +
                      ", so two processes could both write one checkpoint",
                  "use a service that has conditional writes (Amazon S3, MinIO, Ceph and others in "
                  "their newer versions), or a directory");
  };
  // One name for ever: where an earlier start has left it, the first request is refused already.
  for (int i = 0; i < 2; i++) {
    const Result<S3Created> created =
        access_->client->Create(KeyOf("probe"), "weir asks whether this can be overwritten\n");
    if (created.ok() && *created == S3Created::kExists) return Status::Ok();
    if (created.ok()) continue;
    if (!created.status().Is(errors::kServiceRefused)) return created.status();
    return refused("cannot be created only where there is none (" + created.status().message() +
                   ")");
  }
  return refused("was created twice: the service does not keep to If-None-Match");
}

std::string S3Blobs::NameOf(const std::string& name) const {
  std::string key = KeyOf(name);
  if (name.empty() && !key.empty()) key.pop_back();
  return access_->client->NameOf(key);
}

std::string S3Blobs::CachePath(const std::string& name) const {
  return local_ + "/cache/" + IdOf(name);
}

std::string S3Blobs::GrowingPath(const std::string& name) const {
  return local_ + "/growing/" + IdOf(name);
}

Result<files::Digest> S3Blobs::PutFile(const std::string& name, const std::string& path) {
  WEIR_TRY(files::SyncFile(kLocalState, path));
  files::Digest digest = WEIR_TRY(files::DigestOf(kLocalState, path));
  WEIR_TRY(access_->client->PutFile(KeyOf(name), path, digest.size, digest.sha256));
  // Without it, a restore fetches the file. No copy: it may be on another file system for its size.
  std::error_code ignored;
  std::filesystem::create_hard_link(path, CachePath(name), ignored);
  return digest;
}

Result<std::unique_ptr<files::GrowingFile>> S3Blobs::Grow(const std::string& name) {
  std::unique_ptr<files::GrowingFile> file =
      WEIR_TRY(files::GrowingFile::Create(kLocalState, GrowingPath(name)));
  const std::lock_guard lock(mutex_);
  growing_.insert(name);
  return file;
}

Status S3Blobs::Keep(const std::string& name, files::GrowingFile& file) {
  WEIR_TRY(file.Sync());
  {
    const std::lock_guard lock(mutex_);
    growing_.erase(name);
  }
  const files::Digest digest = file.digest();
  WEIR_TRY(access_->client->PutFile(KeyOf(name), file.path(), digest.size, digest.sha256));
  // Whoever has it open reads on.
  std::error_code ignored;
  std::filesystem::rename(file.path(), CachePath(name), ignored);
  return Status::Ok();
}

Result<LocalCopy> S3Blobs::Local(const std::string& name, const files::Digest& expected,
                                 bool full) {
  LocalCopy copy;
  copy.path = CachePath(name);
  bool missing = false;
  copy.digest.size = WEIR_TRY(files::Size(kLocalState, copy.path, &missing));
  if (!missing && full) copy.digest = WEIR_TRY(files::DigestOf(kLocalState, copy.path, &missing));
  copy.there = !missing && copy.digest.size == expected.size &&
               (!full || copy.digest.sha256 == expected.sha256);
  if (copy.there) return copy;
  if (!missing) WEIR_TRY(files::Remove(kLocalState, copy.path));
  return Download(name, expected);
}

Result<LocalCopy> S3Blobs::Download(const std::string& name, const files::Digest& expected) {
  const std::string partial = CachePath(name) + std::string(kPartial) + RandomId();
  LocalCopy copy;
  const auto fetch = [&]() -> Status {
    const auto file = WEIR_TRY(files::GrowingFile::Create(kLocalState, partial));
    copy.there = WEIR_TRY(access_->client->Get(KeyOf(name), [&](std::string_view piece) -> Status {
      if (file->size() + piece.size() > expected.size) {
        return Status(errors::kCheckpointDamaged,
                      NameOf(name) + " holds more than the " + std::to_string(expected.size) +
                          " bytes that were written",
                      "restore the file from a copy, or go back to an older checkpoint with "
                      "--rewind");
      }
      return file->Append(piece);
    }));
    if (!copy.there) return Status::Ok();
    copy.digest = file->digest();
    if (copy.digest.size != expected.size || copy.digest.sha256 != expected.sha256) {
      return Status::Ok();
    }
    WEIR_TRY(file->Sync());
    copy.path = CachePath(name);
    if (::rename(partial.c_str(), copy.path.c_str()) != 0) {
      return files::SystemError(kLocalState, "rename to", copy.path, errno);
    }
    return Status::Ok();
  };
  Status fetched = fetch();
  if (copy.path.empty() || !fetched.ok()) (void)files::Remove(kLocalState, partial);
  if (!fetched.ok()) return fetched;
  return copy;
}

Status S3Blobs::Drop(const std::string& name) {
  WEIR_TRY(files::Remove(kLocalState, GrowingPath(name)));
  WEIR_TRY(files::Remove(kLocalState, CachePath(name)));
  const std::lock_guard lock(mutex_);
  if (growing_.erase(name) == 0 && dropped_.size() < kMostDropped) {
    dropped_.push_back(KeyOf(name));
  }
  return Status::Ok();
}

Status S3Blobs::FinishDrops() {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    keys.swap(dropped_);
  }
  Status removed = access_->client->Delete(keys);
  if (!removed.ok()) {
    const std::lock_guard lock(mutex_);
    dropped_.insert(dropped_.end(), keys.begin(), keys.end());
  }
  return removed;
}

void S3Blobs::TrimLocal(const std::function<bool(const std::string& name)>& needed) {
  const Result<std::vector<std::string>> ids = files::List(kLocalState, local_ + "/cache");
  if (!ids.ok()) return;  // What stays costs room, nothing else.
  for (const std::string& id : *ids) {
    const std::string name = "files/" + id;
    if (id.find(kPartial) == std::string::npos && !needed(name)) {
      (void)files::Remove(kLocalState, CachePath(name));
    }
  }
}

/// The places where a process can be killed are those of a directory: before and after what makes
/// the record be there.
Result<Created> S3Blobs::Create(const std::string& name, std::string_view bytes) {
  if (WEIR_FAILPOINT("state.manifest.before_sync")) return Unavailable(NameOf(name));
  if (WEIR_FAILPOINT("state.manifest.after_sync")) return Unavailable(NameOf(name));
  if (WEIR_FAILPOINT("state.manifest.before_link")) return Unavailable(NameOf(name));
  const S3Created created = WEIR_TRY(access_->client->Create(KeyOf(name), bytes));
  if (WEIR_FAILPOINT("state.manifest.after_link")) return Unavailable(NameOf(name));
  return created == S3Created::kCreated ? Created::kNew : Created::kTaken;
}

Status S3Blobs::Replace(const std::string& name, std::string_view bytes) {
  return access_->client->Put(KeyOf(name), bytes);
}

Result<std::optional<std::string>> S3Blobs::Read(const std::string& name,
                                                 uint64_t limit_bytes) const {
  std::string bytes;
  const bool there =
      WEIR_TRY(access_->client->Get(KeyOf(name), [&](std::string_view piece) -> Status {
        if (bytes.size() + piece.size() > limit_bytes) {
          return Status(kStoreUnavailable, NameOf(name) + " has more than the " +
                                               std::to_string(limit_bytes) + " bytes allowed");
        }
        bytes += piece;
        return Status::Ok();
      }));
  if (!there) return std::optional<std::string>();
  return std::optional(std::move(bytes));
}

Status S3Blobs::Move(const std::string& name, const std::string& to) {
  const std::optional<std::string> bytes = WEIR_TRY(Read(name, kMostRecordBytes));
  if (!bytes) return Status::Ok();
  WEIR_TRY(Replace(to, *bytes));
  return Remove({name});
}

/// The service copies; no byte of it comes here.
Result<Created> S3Blobs::CopyWhole(const std::string& folder, const std::set<std::string>& files,
                                   std::string_view record) {
  const std::string record_name = folder + "/manifest";
  if (WEIR_TRY(Size(record_name))) return Created::kTaken;
  for (const std::string& name : files) {
    const std::string to = folder + "/files/" + IdOf(name);
    if (WEIR_FAILPOINT("state.savepoint.file")) return Unavailable(NameOf(to));
    WEIR_TRY(access_->client->Copy(KeyOf(name), KeyOf(to)));
  }
  if (WEIR_FAILPOINT("state.savepoint.before_record")) return Unavailable(NameOf(record_name));
  const S3Created created = WEIR_TRY(access_->client->Create(KeyOf(record_name), record));
  return created == S3Created::kCreated ? Created::kNew : Created::kTaken;
}

Status S3Blobs::RemoveWhole(const std::string& folder) {
  // First what makes it count.
  WEIR_TRY(Remove({folder + "/manifest"}));
  std::vector<std::string> names;
  for (const BlobInfo& blob : WEIR_TRY(List(folder))) names.push_back(blob.name);
  return Remove(names);
}

Result<std::optional<uint64_t>> S3Blobs::Size(const std::string& name) const {
  return access_->client->Head(KeyOf(name));
}

Result<std::optional<files::Digest>> S3Blobs::DigestOf(const std::string& name) const {
  files::Digester digester;
  const bool there = WEIR_TRY(access_->client->Get(KeyOf(name), [&](std::string_view piece) {
    digester.Add(piece);
    return Status::Ok();
  }));
  return there ? std::optional(digester.digest()) : std::optional<files::Digest>();
}

Status S3Blobs::Remove(const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  for (const std::string& name : names) keys.push_back(KeyOf(name));
  return access_->client->Delete(keys);
}

Result<std::vector<BlobInfo>> S3Blobs::List(const std::string& folder) const {
  std::vector<BlobInfo> found;
  for (S3Object& object : WEIR_TRY(access_->client->List(KeyOf(folder) + "/"))) {
    found.push_back({object.key.substr(prefix_.size()), object.size, object.changed});
  }
  return found;
}

Status S3Blobs::RemoveLeftovers() {
  for (const std::string& id : WEIR_TRY(files::List(kLocalState, local_ + "/growing"))) {
    WEIR_TRY(files::Remove(kLocalState, local_ + "/growing/" + id));
  }
  for (const std::string& id : WEIR_TRY(files::List(kLocalState, local_ + "/cache"))) {
    if (id.find(kPartial) == std::string::npos) continue;
    WEIR_TRY(files::Remove(kLocalState, local_ + "/cache/" + id));
  }
  return Status::Ok();
}

}  // namespace weir
