#include "state/checkpoint_store.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/ids.h"
#include "base/time.h"
#include "state/directory_blobs.h"
#include "state/errors.h"
#include "state/files.h"
#include "state/s3_blobs.h"

namespace weir {
namespace {

using errors::kCheckpointDamaged;
using errors::kManifestDamaged;
using errors::kStoreUnavailable;

constexpr std::string_view kMagic = "WEIRMF01";
constexpr size_t kChecksumBytes = 32;
constexpr uint64_t kMostManifestBytes = uint64_t{1} << 30;
/// Longer than any try can take.
constexpr Duration kOrphanAge = Duration::Days(1);

bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > 200 || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

/// A file name for any text, reversible and never a path.
std::string EscapedName(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_') {
      name += static_cast<char>(c);
    } else {
      name += '%';
      name += kHex[c >> 4];
      name += kHex[c & 15];
    }
  }
  return name;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return std::to_string(value) == text ? std::optional(value) : std::nullopt;
}

std::string FileName(const std::string& id) { return "files/" + id; }

std::string ManifestName(uint64_t number) {
  return "checkpoints/" + std::to_string(number) + "/manifest";
}

std::string SavepointName(uint64_t number) { return "savepoints/" + std::to_string(number); }

std::string PublishingName(const std::string& sink) { return "publishing/" + EscapedName(sink); }

std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

/// Of `<folder><number>/manifest`; none of anything else.
std::optional<uint64_t> NumberIn(std::string_view folder, std::string_view name) {
  constexpr std::string_view kBehind = "/manifest";
  if (!name.starts_with(folder) || !name.ends_with(kBehind)) return std::nullopt;
  name.remove_prefix(folder.size());
  return name.size() > kBehind.size() ? ParseNumber(name.substr(0, name.size() - kBehind.size()))
                                      : std::nullopt;
}

proto::StoredFile StoredAs(const std::string& id, const files::Digest& digest,
                           const std::string& name) {
  proto::StoredFile stored;
  stored.set_id(id);
  stored.set_size(digest.size);
  stored.set_sha256(digest.sha256);
  stored.set_name(name);
  return stored;
}

std::map<std::string, uint64_t> NamedBy(const proto::Manifest& manifest) {
  std::map<std::string, uint64_t> named;
  for (const proto::StoredFile* file : StoredFilesOf(manifest)) named[file->id()] = file->size();
  return named;
}

/// What an armed `error` failpoint looks like to callers: a full disk.
Status DiskFull(const std::string& path) {
  return files::SystemError(kStoreUnavailable, "write", path, ENOSPC);
}

Result<StoredManifest> DecodeManifest(const std::string& path, std::string_view bytes) {
  const auto damaged = [&](const std::string& why) {
    return Status(kManifestDamaged, path + " is damaged: " + why,
                  "restore the file from a copy, or go back to an older checkpoint with --rewind");
  };
  if (bytes.size() < kMagic.size() + 8 + kChecksumBytes) return damaged("it is too short");
  if (bytes.substr(0, kMagic.size()) != kMagic) return damaged("it does not begin as a manifest");
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) {
    length = length << 8 | static_cast<uint8_t>(bytes[kMagic.size() + static_cast<size_t>(i)]);
  }
  const std::string_view covered = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (length != covered.size() - kMagic.size() - 8) return damaged("its length is wrong");
  const std::string checksum = files::Sha256(covered);
  if (checksum != bytes.substr(covered.size()) && !WEIR_MUTANT("checksum_ignored")) {
    return damaged("its checksum is wrong");
  }
  StoredManifest stored;
  // A child names the checksum of the whole file.
  stored.checksum = files::Sha256(bytes);
  if (!stored.manifest.ParseFromArray(bytes.data() + kMagic.size() + 8, static_cast<int>(length))) {
    return damaged("its message cannot be read");
  }
  return stored;
}

}  // namespace

CheckpointStore::CheckpointStore(std::unique_ptr<BlobStore> blobs, bool alone)
    : blobs_(std::move(blobs)), alone_(alone), location_(blobs_->NameOf("")) {}

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(const StoreLocation& location,
                                                               const std::string& job,
                                                               const std::string& local,
                                                               StoreUse use) {
  if (!IsPlainName(job)) {
    return Status(errors::kBadStoreName, "'" + job + "' cannot name a folder of checkpoints",
                  "use letters, digits, '-', '_' and '.'");
  }
  if (location.is_s3()) {
    std::unique_ptr<S3Blobs> blobs =
        WEIR_TRY(S3Blobs::Make(location, location.prefix() + job + "/", local));
    if (use == StoreUse::kRun) WEIR_TRY(blobs->Prepare());
    if (use == StoreUse::kRead) WEIR_TRY(blobs->MakeFolders());
    return std::make_unique<CheckpointStore>(std::move(blobs), /*alone=*/false);
  }
  const std::string directory = location.path() + "/" + job;
  if (use == StoreUse::kRun) WEIR_TRY(DirectoryBlobs::MakeFolders(directory));
  // The job's own folder is kept by the job store's lock; any other may be open elsewhere.
  const auto plain = [](const std::string& path) {
    return std::filesystem::path(path).lexically_normal();
  };
  return std::make_unique<CheckpointStore>(std::make_unique<DirectoryBlobs>(directory),
                                           plain(directory) == plain(local));
}

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(const std::string& root,
                                                               const std::string& job) {
  const StoreLocation location = StoreLocation::Directory(root);
  return Open(location, job, location.path() + "/" + job);
}

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::OpenSavepoint(const StoreLocation& folder,
                                                                        const std::string& local,
                                                                        StoreUse use) {
  if (!folder.is_s3()) {
    return std::make_unique<CheckpointStore>(std::make_unique<DirectoryBlobs>(folder.path()),
                                             /*alone=*/false);
  }
  std::unique_ptr<S3Blobs> blobs = WEIR_TRY(S3Blobs::Make(folder, folder.prefix(), local));
  if (use != StoreUse::kLook) WEIR_TRY(blobs->MakeFolders());
  return std::make_unique<CheckpointStore>(std::move(blobs), /*alone=*/false);
}

std::string CheckpointStore::EncodeManifest(const proto::Manifest& manifest) {
  std::string message;
  {
    google::protobuf::io::StringOutputStream stream(&message);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    WEIR_CHECK(manifest.SerializeToCodedStream(&coded));
  }
  std::string bytes(kMagic);
  for (int i = 0; i < 8; i++) bytes += static_cast<char>(message.size() >> (8 * i));
  bytes += message;
  bytes += files::Sha256(bytes);
  return bytes;
}

std::string CheckpointStore::ChecksumOf(const proto::Manifest& manifest) {
  return files::Sha256(EncodeManifest(manifest));
}

Result<proto::StoredFile> CheckpointStore::PutFile(const std::string& id, const std::string& path,
                                                   const std::string& name) {
  WEIR_CHECK(IsPlainName(id));
  if (WEIR_FAILPOINT("state.upload.file")) return DiskFull(blobs_->NameOf(FileName(id)));
  const files::Digest digest = WEIR_TRY(blobs_->PutFile(FileName(id), path));
  if (WEIR_FAILPOINT("state.upload.after_file")) {
    (void)RemoveFile(id);
    return DiskFull(blobs_->NameOf(FileName(id)));
  }
  return StoredAs(id, digest, name);
}

Result<proto::StoredFile> CheckpointStore::PutBytes(const std::string& id, std::string_view bytes,
                                                    const std::string& name) {
  const auto file = WEIR_TRY(NewFile(id));
  const auto put = [&]() -> Result<proto::StoredFile> {
    WEIR_TRY(file->Append(bytes));
    return Adopt(*file, id, name);
  };
  Result<proto::StoredFile> stored = put();
  if (!stored.ok()) (void)RemoveFile(id);
  return stored;
}

Result<std::unique_ptr<files::GrowingFile>> CheckpointStore::NewFile(const std::string& id) {
  WEIR_CHECK(IsPlainName(id));
  return blobs_->Grow(FileName(id));
}

Result<proto::StoredFile> CheckpointStore::Adopt(files::GrowingFile& file, const std::string& id,
                                                 const std::string& name) {
  if (WEIR_FAILPOINT("state.upload.bytes")) return DiskFull(blobs_->NameOf(FileName(id)));
  WEIR_TRY(blobs_->Keep(FileName(id), file));
  return StoredAs(id, file.digest(), name);
}

/// Whether what was found of a file is what was written. `full`: the bytes were looked at.
Status CheckpointStore::Judge(const proto::StoredFile& file,
                              const std::optional<files::Digest>& found, bool full) const {
  const auto damaged = [&](const std::string& why) {
    return Status(kCheckpointDamaged,
                  "checkpoint file " + file.id() + " (" + file.name() + ") " + why,
                  "restore the file from a copy, or go back to an older checkpoint with --rewind");
  };
  if (!IsPlainName(file.id())) return damaged("has a name that no store gives");
  if (!found) return damaged("is missing");
  if (found->size != file.size()) {
    return damaged("has " + std::to_string(found->size) + " bytes instead of " +
                   std::to_string(file.size()));
  }
  if (full && found->sha256 != file.sha256() && !WEIR_MUTANT("checksum_ignored")) {
    return damaged("does not hold the bytes that were written");
  }
  return Status::Ok();
}

Status CheckpointStore::CheckFile(const proto::StoredFile& file, bool deep) const {
  std::optional<files::Digest> found;
  if (IsPlainName(file.id())) {
    if (deep) {
      found = WEIR_TRY(blobs_->DigestOf(FileName(file.id())));
    } else if (const auto size = WEIR_TRY(blobs_->Size(FileName(file.id())))) {
      found = files::Digest{{}, *size};
    }
  }
  return Judge(file, found, deep);
}

/// A file on the local disk, after it was found right.
Result<std::string> CheckpointStore::LocalPath(const proto::StoredFile& file, bool full) const {
  if (!IsPlainName(file.id())) WEIR_TRY(Judge(file, std::nullopt, full));
  LocalCopy copy = WEIR_TRY(blobs_->Local(FileName(file.id()), {file.sha256(), file.size()}, full));
  std::optional<files::Digest> found;
  if (copy.there) found = std::move(copy.digest);
  // Bytes that were not looked at are those of a copy that is known to be right.
  WEIR_TRY(Judge(file, found, found && !found->sha256.empty()));
  WEIR_CHECK(!copy.path.empty());
  return std::move(copy.path);
}

Result<std::unique_ptr<files::GrowingFile>> CheckpointStore::OpenFile(
    const proto::StoredFile& file) const {
  return files::GrowingFile::Open(kStoreUnavailable, WEIR_TRY(LocalPath(file, /*full=*/true)));
}

Result<std::string> CheckpointStore::ReadFile(const proto::StoredFile& file) const {
  WEIR_TRY(CheckFile(file, /*deep=*/false));
  const std::optional<std::string> bytes = WEIR_TRY(blobs_->Read(FileName(file.id()), file.size()));
  std::optional<files::Digest> found;
  if (bytes) found = files::Digest{files::Sha256(*bytes), bytes->size()};
  WEIR_TRY(Judge(file, found, /*full=*/true));
  return *bytes;
}

Status CheckpointStore::Fetch(const proto::StoredFile& file, const std::string& path,
                              FetchCheck check, bool copy) const {
  const std::string from = WEIR_TRY(LocalPath(file, check == FetchCheck::kFull));
  if (WEIR_FAILPOINT("state.restore.file")) return DiskFull(path);
  return copy ? files::Copy(kStoreUnavailable, from, path)
              : files::LinkOrCopy(kStoreUnavailable, from, path);
}

Status CheckpointStore::RemoveFile(const std::string& id) {
  WEIR_CHECK(IsPlainName(id));
  return blobs_->Drop(FileName(id));
}

Result<std::vector<std::string>> CheckpointStore::ListFiles() const {
  std::vector<std::string> ids;
  for (const BlobInfo& file : WEIR_TRY(blobs_->List("files"))) ids.push_back(IdOf(file.name));
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<CommitOutcome> CheckpointStore::CommitManifest(const proto::Manifest& manifest) {
  WEIR_CHECK(manifest.number() > 0);
  const std::string bytes = EncodeManifest(manifest);
  const std::string name = ManifestName(manifest.number());
  // Never commit what could not be read again.
  WEIR_TRY(DecodeManifest(blobs_->NameOf(name), bytes));
  CommitOutcome outcome = CommitOutcome::kCommitted;
  if (WEIR_TRY(blobs_->Create(name, bytes)) == Created::kTaken) {
    const std::optional<std::string> there = WEIR_TRY(blobs_->Read(name, kMostManifestBytes));
    if (!there) {
      return Status(kStoreUnavailable, blobs_->NameOf(name) + " was there, and is gone",
                    "it is looked at again");
    }
    const bool mine = *there == bytes || WEIR_MUTANT("manifest_taken_accepted");
    outcome = mine ? CommitOutcome::kMine : CommitOutcome::kOther;
  }
  if (outcome == CommitOutcome::kOther) return outcome;
  if (!WEIR_TRY(WasFree(manifest))) {
    WEIR_TRY(blobs_->Remove({name}));
    return CommitOutcome::kOther;
  }
  Remember(manifest.number(), manifest);
  return outcome;
}

/// Whether nobody else had written, and cleaned up again, a manifest of the number that was just
/// written: its process may have slept for long. The one before it is removed first, and never by
/// the one whose successor it is.
Result<bool> CheckpointStore::WasFree(const proto::Manifest& manifest) const {
  const uint64_t number = manifest.number();
  if (manifest.parent() > 0) {
    return WEIR_TRY(blobs_->Size(ManifestName(number - 1))).has_value();
  }
  const std::vector<uint64_t> numbers = WEIR_TRY(ListManifests());
  return std::all_of(numbers.begin(), numbers.end(),
                     [&](uint64_t other) { return other == number; });
}

void CheckpointStore::Remember(uint64_t number, const proto::Manifest& manifest) {
  const std::lock_guard lock(mutex_);
  if (known_) (*known_)[number] = NamedBy(manifest);
}

Result<std::vector<uint64_t>> CheckpointStore::ListManifests() const {
  std::vector<uint64_t> numbers;
  for (const BlobInfo& blob : WEIR_TRY(blobs_->List("checkpoints"))) {
    if (const auto number = NumberIn("checkpoints/", blob.name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// In this order: numbers have no gaps, and the oldest is removed first. So where the next one is
/// not there, and after that this one still is, the next one was never there.
Result<bool> CheckpointStore::IsNewest(uint64_t number) const {
  if (WEIR_TRY(blobs_->Size(ManifestName(number + 1)))) return false;
  if (number == 0) return true;
  return WEIR_TRY(blobs_->Size(ManifestName(number))).has_value();
}

Result<StoredManifest> CheckpointStore::ReadManifest(uint64_t number) const {
  const std::string path = blobs_->NameOf(ManifestName(number));
  const std::optional<std::string> bytes =
      WEIR_TRY(blobs_->Read(ManifestName(number), kMostManifestBytes));
  if (!bytes) {
    return Status(errors::kNoCheckpoint,
                  "there is no checkpoint " + std::to_string(number) + " in " + location_,
                  "see which there are with 'weir checkpoint list'");
  }
  StoredManifest stored = WEIR_TRY(DecodeManifest(path, *bytes));
  if (stored.manifest.number() != number) {
    return Status(
        kManifestDamaged,
        path + " is the manifest of checkpoint " + std::to_string(stored.manifest.number()),
        "restore the file from a copy");
  }
  return stored;
}

Result<std::optional<StoredManifest>> CheckpointStore::Newest() const {
  std::optional<StoredManifest> newest;
  std::map<uint64_t, std::string> checksums;
  std::map<uint64_t, Named> known;
  for (const uint64_t number : WEIR_TRY(ListManifests())) {
    StoredManifest stored = WEIR_TRY(ReadManifest(number));
    const proto::Manifest& manifest = stored.manifest;
    // One of an earlier attempt below a gap was written by a process that slept while others had
    // taken the number and cleaned up, and was killed before it could take it back.
    if (newest && number != newest->manifest.number() + 1 &&
        manifest.attempt() <= newest->manifest.attempt()) {
      return Status(kManifestDamaged,
                    "checkpoint " + std::to_string(newest->manifest.number() + 1) + " of " +
                        location_ + " is missing, but " + std::to_string(number) + " is there",
                    "restore its manifest from a copy");
    }
    const auto parent = checksums.find(manifest.parent());
    if (manifest.parent() >= number ||
        (parent != checksums.end() && parent->second != manifest.parent_checksum())) {
      return Status(kManifestDamaged,
                    "checkpoint " + std::to_string(number) + " of " + location_ +
                        " does not go on from the checkpoint " + std::to_string(manifest.parent()) +
                        " that is there",
                    "restore the manifests from a copy");
    }
    checksums[number] = stored.checksum;
    known[number] = NamedBy(manifest);
    newest = std::move(stored);
  }
  const std::lock_guard lock(mutex_);
  known_ = std::move(known);
  return newest;
}

/// Numbers of the manifests there are, with what each names.
Result<std::map<uint64_t, CheckpointStore::Named>> CheckpointStore::Known() const {
  {
    const std::lock_guard lock(mutex_);
    if (known_) return *known_;
  }
  std::map<uint64_t, Named> known;
  for (const uint64_t number : WEIR_TRY(ListManifests())) {
    Result<StoredManifest> stored = ReadManifest(number);
    if (!stored.ok() && !stored.status().Is(kManifestDamaged)) return stored.status();
    known[number] = stored.ok() ? Named(NamedBy(stored->manifest)) : std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  known_ = known;
  return known;
}

Status CheckpointStore::Verify(uint64_t number, bool deep) const {
  const StoredManifest stored = WEIR_TRY(ReadManifest(number));
  if (stored.manifest.parent() >= number) {
    return Status(kManifestDamaged, "checkpoint " + std::to_string(number) +
                                        " names a parent that is not older than itself");
  }
  if (stored.manifest.parent() > 0) {
    Result<StoredManifest> parent = ReadManifest(stored.manifest.parent());
    // A parent that was cleaned up leaves nothing to compare with.
    if (!parent.ok() && !parent.status().Is(errors::kNoCheckpoint)) return parent.status();
    if (parent.ok() && parent->checksum != stored.manifest.parent_checksum()) {
      return Status(kManifestDamaged, "checkpoint " + std::to_string(number) +
                                          " does not go on from the checkpoint " +
                                          std::to_string(stored.manifest.parent()) +
                                          " that is there");
    }
  }
  for (const proto::StoredFile* file : StoredFilesOf(stored.manifest)) {
    WEIR_TRY(CheckFile(*file, deep));
  }
  return Status::Ok();
}

Result<CleanUpReport> CheckpointStore::CleanUp(uint64_t retain,
                                               const std::vector<std::string>& finished) {
  CleanUpReport report;
  const std::map<uint64_t, Named> known = WEIR_TRY(Known());
  const size_t kept_count = std::min<size_t>(std::max<uint64_t>(retain, 1), known.size());
  auto first_kept = std::prev(known.end(), static_cast<ptrdiff_t>(kept_count));
  const uint64_t oldest_pinned = OldestPinned();
  while (first_kept != known.begin() && first_kept->first > oldest_pinned) --first_kept;
  std::set<std::string> kept;
  for (auto at = first_kept; at != known.end(); ++at) {
    if (!at->second) {
      (void)WEIR_TRY(ReadManifest(at->first));
      return Status::Ok();  // It can be read again: the next clean-up knows what it names.
    }
    for (const auto& [id, size] : *at->second) kept.insert(id);
  }
  const auto drop = [&](const std::string& id, uint64_t size) -> Status {
    if (kept.contains(id) || !IsPlainName(id)) return Status::Ok();
    if (WEIR_FAILPOINT("state.cleanup.before_file")) return DiskFull(blobs_->NameOf(FileName(id)));
    WEIR_TRY(RemoveFile(id));
    report.files++;
    report.bytes += size;
    return Status::Ok();
  };
  for (auto at = known.begin(); at != first_kept; ++at) {
    const std::string name = ManifestName(at->first);
    if (WEIR_FAILPOINT("state.cleanup.before_manifest")) return DiskFull(blobs_->NameOf(name));
    WEIR_TRY(blobs_->Remove({name}));
    {
      const std::lock_guard lock(mutex_);
      if (known_) known_->erase(at->first);
    }
    report.manifests++;
    // A damaged one tells no names: what it held is found as orphans at a later start.
    if (!at->second) continue;
    for (const auto& [id, size] : *at->second) WEIR_TRY(drop(id, size));
  }
  for (const std::string& id : finished) WEIR_TRY(drop(id, 0));
  // A restore goes on from the newest: what older ones alone name needs not lie here.
  if (!known.empty()) {
    blobs_->TrimLocal([&](const std::string& name) {
      const std::string id = IdOf(name);
      if (known.rbegin()->second->contains(id)) return true;
      return std::none_of(known.begin(), known.end(), [&](const auto& manifest) {
        return manifest.second && manifest.second->contains(id);
      });
    });
  }
  WEIR_TRY(blobs_->FinishDrops());
  return report;
}

Result<CleanUpReport> CheckpointStore::RemoveOrphans() {
  CleanUpReport report;
  std::map<std::string, uint64_t> newest;
  std::set<std::string> kept;
  for (const auto& [number, named] : WEIR_TRY(Known())) {
    // What a damaged manifest names is not known, so nothing may go.
    if (!named) return report;
    for (const auto& [id, size] : *named) kept.insert(id);
    newest = *named;
  }
  const EventTime young = SystemClock().Now() - kOrphanAge;
  for (const BlobInfo& file : WEIR_TRY(blobs_->List("files"))) {
    if (kept.contains(IdOf(file.name)) || (!alone_ && file.changed > young)) continue;
    WEIR_TRY(blobs_->Drop(file.name));
    report.files++;
    report.bytes += file.size;
  }
  WEIR_TRY(blobs_->FinishDrops());
  WEIR_TRY(blobs_->RemoveLeftovers());
  WEIR_TRY(RemoveHalfSavepoints(young));
  blobs_->TrimLocal([&](const std::string& name) { return newest.contains(IdOf(name)); });
  return report;
}

/// What a copy that was cut off has left: no record says that it is complete. The same as with
/// files, a younger one may be somebody's work.
Status CheckpointStore::RemoveHalfSavepoints(EventTime young) const {
  std::map<std::string, bool> folders;  // Whether there is a reason to leave it.
  for (const BlobInfo& blob : WEIR_TRY(blobs_->List("savepoints"))) {
    const size_t end = blob.name.find('/', std::string_view("savepoints/").size());
    if (end == std::string::npos) continue;  // Nothing of ours.
    bool& stays = folders[blob.name.substr(0, end)];
    stays |= blob.name.substr(end) == "/manifest" || (!alone_ && blob.changed > young);
  }
  for (const auto& [folder, stays] : folders) {
    if (!stays) WEIR_TRY(blobs_->RemoveWhole(folder));
  }
  return Status::Ok();
}

Status CheckpointStore::LayAside(uint64_t number) {
  const std::string to =
      "damaged/" + std::to_string(number) + "-" + RandomId().substr(0, 8) + "/manifest";
  WEIR_TRY(blobs_->Move(ManifestName(number), to));
  const std::lock_guard lock(mutex_);
  if (known_) known_->erase(number);
  return Status::Ok();
}

Status CheckpointStore::RemoveAll() {
  for (const char* folder : {"checkpoints", "files", "publishing", "schemas"}) {
    std::vector<std::string> names;
    for (const BlobInfo& blob : WEIR_TRY(blobs_->List(folder))) names.push_back(blob.name);
    WEIR_TRY(blobs_->Remove(names));
  }
  blobs_->TrimLocal([](const std::string&) { return false; });
  WEIR_TRY(blobs_->RemoveLeftovers());
  const std::lock_guard lock(mutex_);
  known_.reset();
  publishing_.clear();
  return Status::Ok();
}

void CheckpointStore::Pin(uint64_t number) {
  const std::lock_guard lock(mutex_);
  pinned_.insert(number);
}

void CheckpointStore::Unpin(uint64_t number) {
  const std::lock_guard lock(mutex_);
  pinned_.erase(number);
}

uint64_t CheckpointStore::OldestPinned() const {
  const std::lock_guard lock(mutex_);
  return pinned_.empty() ? UINT64_MAX : *pinned_.begin();
}

Result<std::string> CheckpointStore::CopyToSavepoint(uint64_t number) {
  const StoredManifest stored = WEIR_TRY(ReadManifest(number));
  std::set<std::string> files;
  for (const std::string& id : FilesOf(stored.manifest)) files.insert(FileName(id));
  const std::string folder = SavepointName(number);
  const std::string record = EncodeManifest(stored.manifest);
  if (WEIR_TRY(blobs_->CopyWhole(folder, files, record)) == Created::kTaken &&
      WEIR_TRY(blobs_->Read(folder + "/manifest", kMostManifestBytes)) != record) {
    return Status(errors::kSavepointTaken,
                  blobs_->NameOf(folder) +
                      " is a savepoint of this number already, of a time "
                      "before the job went back to an older checkpoint",
                  "ask again: the next checkpoint has another number. Or remove it first");
  }
  return SavepointLocation(number);
}

Result<std::vector<uint64_t>> CheckpointStore::ListSavepoints() const {
  std::vector<uint64_t> numbers;
  for (const BlobInfo& blob : WEIR_TRY(blobs_->List("savepoints"))) {
    if (const auto number = NumberIn("savepoints/", blob.name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string CheckpointStore::SavepointLocation(uint64_t number) const {
  return blobs_->NameOf(SavepointName(number));
}

Result<StoredManifest> CheckpointStore::SavepointManifest() const {
  const std::optional<std::string> bytes = WEIR_TRY(blobs_->Read("manifest", kMostManifestBytes));
  if (bytes) return DecodeManifest(blobs_->NameOf("manifest"), *bytes);
  return Status(errors::kNoCheckpoint, "there is no savepoint at " + location_,
                "name the folder that holds its file `manifest`");
}

Status CheckpointStore::RemoveSavepoint(uint64_t number) {
  const std::string folder = SavepointName(number);
  if (!WEIR_TRY(blobs_->Size(folder + "/manifest"))) {
    return Status(errors::kNoCheckpoint,
                  "there is no savepoint " + std::to_string(number) + " in " + location_,
                  "see which there are with 'weir checkpoint list'");
  }
  return blobs_->RemoveWhole(folder);
}

Status CheckpointStore::TakeFiles(const CheckpointStore& from, proto::Manifest& manifest) {
  const std::string taken = RandomId();
  std::map<std::string, std::string> new_ids;
  for (proto::StoredFile* file : StoredFilesOf(manifest)) {
    const auto [at, is_new] = new_ids.emplace(file->id(), "");
    if (is_new) {
      at->second = taken + "-" + std::to_string(new_ids.size());
      const std::string path = WEIR_TRY(from.LocalPath(*file, /*full=*/true));
      const proto::StoredFile put = WEIR_TRY(PutFile(at->second, path, file->name()));
      WEIR_TRY(Judge(*file, files::Digest{put.sha256(), put.size()}, /*full=*/true));
    }
    file->set_id(at->second);
  }
  // Copies that were only needed on the way.
  if (&from != this) {
    from.blobs_->TrimLocal([&](const std::string& name) { return !new_ids.contains(IdOf(name)); });
  }
  return Status::Ok();
}

Status CheckpointStore::WritePublishing(const std::string& sink, Epoch epoch) {
  Epoch newest;
  {
    const std::lock_guard lock(mutex_);
    const auto at = publishing_.find(sink);
    if (at != publishing_.end()) newest = at->second;
  }
  if (newest == Epoch{0}) newest = WEIR_TRY(ReadPublishing(sink));
  if (newest < epoch) {
    const std::string name = PublishingName(sink);
    if (WEIR_FAILPOINT("state.publishing")) return DiskFull(blobs_->NameOf(name));
    WEIR_TRY(blobs_->Replace(name, std::to_string(epoch.value) + "\n"));
    newest = epoch;
  }
  const std::lock_guard lock(mutex_);
  publishing_[sink] = newest;
  return Status::Ok();
}

Result<Epoch> CheckpointStore::ReadPublishing(const std::string& sink) const {
  const std::string name = PublishingName(sink);
  const std::optional<std::string> text = WEIR_TRY(blobs_->Read(name, 64));
  if (!text) return Epoch{0};
  const std::optional<uint64_t> number =
      text->ends_with('\n') ? ParseNumber(std::string_view(*text).substr(0, text->size() - 1))
                            : std::nullopt;
  if (!number) {
    return Status(kCheckpointDamaged,
                  blobs_->NameOf(name) + " does not hold the number of a checkpoint",
                  "write the newest epoch that the sink shows into it");
  }
  return Epoch{*number};
}

}  // namespace weir
