#include "state/checkpoint_store.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <set>

#include "base/check.h"
#include "base/failpoint.h"
#include "state/errors.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kCheckpointDamaged;
using errors::kManifestDamaged;
using errors::kStoreUnavailable;

constexpr std::string_view kMagic = "WEIRMF01";
constexpr size_t kChecksumBytes = 32;
constexpr uint64_t kMostManifestBytes = uint64_t{1} << 30;

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

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(const std::string& root,
                                                               const std::string& job) {
  if (!IsPlainName(job)) {
    return Status(errors::kBadStoreName, "'" + job + "' cannot name a folder of checkpoints",
                  "use letters, digits, '-', '_' and '.'");
  }
  const std::string directory = root + "/" + job;
  for (const char* part : {"/files", "/checkpoints", "/publishing"}) {
    WEIR_TRY(files::MakeDirectories(kStoreUnavailable, directory + part));
  }
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, directory));
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, root));
  return std::unique_ptr<CheckpointStore>(new CheckpointStore(directory));
}

std::string CheckpointStore::FilePath(const std::string& id) const {
  return directory_ + "/files/" + id;
}

std::string CheckpointStore::ManifestPath(uint64_t number) const {
  return directory_ + "/checkpoints/" + std::to_string(number) + "/manifest";
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
  const std::string target = FilePath(id);
  if (WEIR_FAILPOINT("state.upload.file")) return DiskFull(target);
  WEIR_TRY(files::SyncFile(kStoreUnavailable, path));
  WEIR_TRY(files::LinkOrCopy(kStoreUnavailable, path, target));
  const auto finish = [&]() -> Result<proto::StoredFile> {
    const files::Digest digest = WEIR_TRY(files::DigestOf(kStoreUnavailable, target));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, directory_ + "/files"));
    if (WEIR_FAILPOINT("state.upload.after_file")) return DiskFull(target);
    proto::StoredFile stored;
    stored.set_id(id);
    stored.set_size(digest.size);
    stored.set_sha256(digest.sha256);
    stored.set_name(name);
    return stored;
  };
  Result<proto::StoredFile> stored = finish();
  if (!stored.ok()) (void)RemoveFile(id);
  return stored;
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
  return files::GrowingFile::Create(kStoreUnavailable, FilePath(id));
}

Result<proto::StoredFile> CheckpointStore::Adopt(files::GrowingFile& file, const std::string& id,
                                                 const std::string& name) {
  if (WEIR_FAILPOINT("state.upload.bytes")) return DiskFull(FilePath(id));
  WEIR_TRY(file.Sync());
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, directory_ + "/files"));
  proto::StoredFile stored;
  stored.set_id(id);
  stored.set_size(file.size());
  stored.set_sha256(file.digest().sha256);
  stored.set_name(name);
  return stored;
}

Result<std::unique_ptr<files::GrowingFile>> CheckpointStore::OpenFile(
    const proto::StoredFile& file) const {
  WEIR_TRY(CheckFile(file, /*deep=*/true));
  return files::GrowingFile::Open(kStoreUnavailable, FilePath(file.id()));
}

Status CheckpointStore::CheckFile(const proto::StoredFile& file, bool deep) const {
  const auto damaged = [&](const std::string& why) {
    return Status(kCheckpointDamaged,
                  "checkpoint file " + file.id() + " (" + file.name() + ") " + why,
                  "restore the file from a copy, or go back to an older checkpoint with --rewind");
  };
  if (!IsPlainName(file.id())) return damaged("has a name that no store gives");
  bool missing = false;
  const std::string path = FilePath(file.id());
  if (!deep) {
    const uint64_t size = WEIR_TRY(files::Size(kStoreUnavailable, path, &missing));
    if (missing) return damaged("is missing");
    if (size != file.size()) {
      return damaged("has " + std::to_string(size) + " bytes instead of " +
                     std::to_string(file.size()));
    }
    return Status::Ok();
  }
  const files::Digest digest = WEIR_TRY(files::DigestOf(kStoreUnavailable, path, &missing));
  if (missing) return damaged("is missing");
  if (digest.size != file.size()) {
    return damaged("has " + std::to_string(digest.size) + " bytes instead of " +
                   std::to_string(file.size()));
  }
  if (digest.sha256 != file.sha256() && !WEIR_MUTANT("checksum_ignored")) {
    return damaged("does not hold the bytes that were written");
  }
  return Status::Ok();
}

Result<std::string> CheckpointStore::ReadFile(const proto::StoredFile& file) const {
  WEIR_TRY(CheckFile(file, /*deep=*/false));
  std::string bytes = WEIR_TRY(files::Read(kStoreUnavailable, FilePath(file.id()), file.size()));
  if (bytes.size() == file.size() && files::Sha256(bytes) == file.sha256()) return bytes;
  if (WEIR_MUTANT("checksum_ignored")) return bytes;
  return Status(kCheckpointDamaged,
                "checkpoint file " + file.id() + " (" + file.name() +
                    ") does not hold the bytes that were written",
                "restore the file from a copy, or go back to an older checkpoint with --rewind");
}

Status CheckpointStore::Fetch(const proto::StoredFile& file, const std::string& path,
                              FetchCheck check, bool copy) const {
  WEIR_TRY(CheckFile(file, check == FetchCheck::kFull));
  if (WEIR_FAILPOINT("state.restore.file")) return DiskFull(path);
  const std::string from = FilePath(file.id());
  return copy ? files::Copy(kStoreUnavailable, from, path)
              : files::LinkOrCopy(kStoreUnavailable, from, path);
}

Status CheckpointStore::RemoveFile(const std::string& id) {
  WEIR_CHECK(IsPlainName(id));
  return files::Remove(kStoreUnavailable, FilePath(id));
}

Result<std::vector<std::string>> CheckpointStore::ListFiles() const {
  return files::List(kStoreUnavailable, directory_ + "/files");
}

Result<CommitOutcome> CheckpointStore::CommitManifest(const proto::Manifest& manifest) {
  WEIR_CHECK(manifest.number() > 0);
  const std::string bytes = EncodeManifest(manifest);
  const std::string path = ManifestPath(manifest.number());
  const std::string folder = path.substr(0, path.rfind('/'));
  // Never commit what could not be read again.
  WEIR_TRY(DecodeManifest(path, bytes));
  WEIR_TRY(files::MakeDirectories(kStoreUnavailable, folder));
  WEIR_TRY(files::SyncDirectory(kStoreUnavailable, directory_ + "/checkpoints"));

  const std::string temporary = path + ".tmp-" + RandomId();
  if (WEIR_FAILPOINT("state.manifest.before_sync")) return DiskFull(temporary);
  WEIR_TRY(files::WriteNew(kStoreUnavailable, temporary, bytes));
  const auto link = [&]() -> Result<CommitOutcome> {
    if (WEIR_FAILPOINT("state.manifest.after_sync")) return DiskFull(temporary);
    if (WEIR_FAILPOINT("state.manifest.before_link")) return DiskFull(path);
    CommitOutcome outcome = CommitOutcome::kCommitted;
    if (::link(temporary.c_str(), path.c_str()) != 0) {
      if (errno != EEXIST) {
        return files::SystemError(kStoreUnavailable, "link the manifest to", path, errno);
      }
      const std::string there = WEIR_TRY(files::Read(kStoreUnavailable, path, kMostManifestBytes));
      outcome = there == bytes ? CommitOutcome::kMine : CommitOutcome::kOther;
    }
    if (WEIR_FAILPOINT("state.manifest.after_link")) return DiskFull(path);
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, folder));
    return outcome;
  };
  Result<CommitOutcome> outcome = link();
  (void)files::Remove(kStoreUnavailable, temporary);
  return outcome;
}

Result<std::vector<uint64_t>> CheckpointStore::ListManifests() const {
  std::vector<uint64_t> numbers;
  const std::string folder = directory_ + "/checkpoints";
  for (const std::string& name : WEIR_TRY(files::List(kStoreUnavailable, folder))) {
    const std::optional<uint64_t> number = ParseNumber(name);
    if (!number) continue;
    bool missing = false;
    (void)WEIR_TRY(files::Size(kStoreUnavailable, ManifestPath(*number), &missing));
    if (!missing) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<StoredManifest> CheckpointStore::ReadManifest(uint64_t number) const {
  const std::string path = ManifestPath(number);
  bool missing = false;
  const std::string bytes =
      WEIR_TRY(files::Read(kStoreUnavailable, path, kMostManifestBytes, &missing));
  if (missing) {
    return Status(errors::kNoCheckpoint,
                  "there is no checkpoint " + std::to_string(number) + " in " + directory_,
                  "see which there are with 'weir checkpoint list'");
  }
  StoredManifest stored = WEIR_TRY(DecodeManifest(path, bytes));
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
  for (const uint64_t number : WEIR_TRY(ListManifests())) {
    StoredManifest stored = WEIR_TRY(ReadManifest(number));
    const proto::Manifest& manifest = stored.manifest;
    if (newest && number != newest->manifest.number() + 1) {
      return Status(kManifestDamaged,
                    "checkpoint " + std::to_string(newest->manifest.number() + 1) + " of " +
                        directory_ + " is missing, but " + std::to_string(number) + " is there",
                    "restore its manifest from a copy");
    }
    const auto parent = checksums.find(manifest.parent());
    if (manifest.parent() >= number ||
        (parent != checksums.end() && parent->second != manifest.parent_checksum())) {
      return Status(kManifestDamaged,
                    "checkpoint " + std::to_string(number) + " of " + directory_ +
                        " does not go on from the checkpoint " + std::to_string(manifest.parent()) +
                        " that is there",
                    "restore the manifests from a copy");
    }
    checksums[number] = stored.checksum;
    newest = std::move(stored);
  }
  return newest;
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
  const std::vector<uint64_t> numbers = WEIR_TRY(ListManifests());
  const size_t kept_count = std::min<size_t>(std::max<uint64_t>(retain, 1), numbers.size());
  const size_t removed_count = numbers.size() - kept_count;
  std::set<std::string> kept;
  for (size_t i = removed_count; i < numbers.size(); i++) {
    const StoredManifest stored = WEIR_TRY(ReadManifest(numbers[i]));
    for (std::string& id : FilesOf(stored.manifest)) kept.insert(std::move(id));
  }
  const auto remove = [&](const std::string& id) -> Status {
    if (kept.contains(id) || !IsPlainName(id)) return Status::Ok();
    bool missing = false;
    const uint64_t size = WEIR_TRY(files::Size(kStoreUnavailable, FilePath(id), &missing));
    if (missing) return Status::Ok();
    if (WEIR_FAILPOINT("state.cleanup.before_file")) return DiskFull(FilePath(id));
    WEIR_TRY(RemoveFile(id));
    report.files++;
    report.bytes += size;
    return Status::Ok();
  };
  for (size_t i = 0; i < removed_count; i++) {
    Result<StoredManifest> stored = ReadManifest(numbers[i]);
    const std::string path = ManifestPath(numbers[i]);
    const std::string folder = path.substr(0, path.rfind('/'));
    if (WEIR_FAILPOINT("state.cleanup.before_manifest")) return DiskFull(path);
    WEIR_TRY(files::Remove(kStoreUnavailable, path));
    WEIR_TRY(files::SyncDirectory(kStoreUnavailable, folder));
    WEIR_TRY(files::RemoveAll(kStoreUnavailable, folder));
    report.manifests++;
    // A damaged one tells no names: what it held is found as orphans at the next start.
    if (!stored.ok()) continue;
    for (const std::string& id : FilesOf(stored->manifest)) WEIR_TRY(remove(id));
  }
  for (const std::string& id : finished) WEIR_TRY(remove(id));
  return report;
}

Result<CleanUpReport> CheckpointStore::RemoveOrphans() {
  CleanUpReport report;
  std::set<std::string> kept;
  for (const uint64_t number : WEIR_TRY(ListManifests())) {
    Result<StoredManifest> stored = ReadManifest(number);
    // What a damaged manifest names is not known, so nothing may go.
    if (!stored.ok()) return report;
    for (std::string& id : FilesOf(stored->manifest)) kept.insert(std::move(id));
  }
  for (const std::string& id : WEIR_TRY(ListFiles())) {
    if (kept.contains(id)) continue;
    const uint64_t size = WEIR_TRY(files::Size(kStoreUnavailable, FilePath(id)));
    WEIR_TRY(files::Remove(kStoreUnavailable, FilePath(id)));
    report.files++;
    report.bytes += size;
  }
  const std::string folder = directory_ + "/checkpoints";
  for (const std::string& name : WEIR_TRY(files::List(kStoreUnavailable, folder))) {
    if (!ParseNumber(name)) continue;
    const std::string inside = folder + "/" + name;
    for (const std::string& leftover : WEIR_TRY(files::List(kStoreUnavailable, inside))) {
      if (leftover.starts_with("manifest.tmp-")) {
        WEIR_TRY(files::Remove(kStoreUnavailable, inside + "/" + leftover));
      }
    }
  }
  return report;
}

Status CheckpointStore::WritePublishing(const std::string& sink, Epoch epoch) {
  if (WEIR_TRY(ReadPublishing(sink)) >= epoch) return Status::Ok();
  const std::string path = directory_ + "/publishing/" + EscapedName(sink);
  if (WEIR_FAILPOINT("state.publishing")) return DiskFull(path);
  return files::Replace(kStoreUnavailable, path, std::to_string(epoch.value) + "\n");
}

Result<Epoch> CheckpointStore::ReadPublishing(const std::string& sink) const {
  const std::string path = directory_ + "/publishing/" + EscapedName(sink);
  bool missing = false;
  const std::string text = WEIR_TRY(files::Read(kStoreUnavailable, path, 64, &missing));
  if (missing) return Epoch{0};
  const std::optional<uint64_t> number =
      text.ends_with('\n') ? ParseNumber(std::string_view(text).substr(0, text.size() - 1))
                           : std::nullopt;
  if (!number) {
    return Status(kCheckpointDamaged, path + " does not hold the number of a checkpoint",
                  "write the newest epoch that the sink shows into it");
  }
  return Epoch{*number};
}

}  // namespace weir
