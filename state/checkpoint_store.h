#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "proto/manifest.pb.h"
#include "state/files.h"

namespace weir {

/// What became of writing a manifest at a number.
enum class CommitOutcome {
  kCommitted,  ///< It is there now, durable, written by this call.
  kMine,       ///< The very same bytes were there already: an earlier call had got through.
  kOther,      ///< Somebody else's manifest holds the number: this one is deposed.
};

/// A manifest as read, with the SHA-256 that its child names as parent_checksum.
struct StoredManifest {
  proto::Manifest manifest;
  std::string checksum;
};

/// What a clean-up took away.
struct CleanUpReport {
  uint64_t manifests = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
};

/// How a file is looked at before it is handed out.
enum class FetchCheck {
  kFull,  ///< Size and SHA-256.
  kSize,  ///< Size only: for files whose own blocks carry checksums.
};

/// The checkpoints of one job in a directory:
///   <root>/<job>/files/<id>                       immutable, named by random ids
///   <root>/<job>/checkpoints/<number>/manifest    the log; creating one is the commit
///   <root>/<job>/publishing/<sink>                newest epoch whose publishing began (rule 19)
/// Thread safe: every method works on files only and keeps no state. Every write is synced, its
/// directory too, before the method returns ok. Errors name the path.
class CheckpointStore {
 public:
  /// Makes the folders where they are missing. `job` must be a plain name.
  static Result<std::unique_ptr<CheckpointStore>> Open(const std::string& root,
                                                       const std::string& job);

  /// Bytes of the manifest file of `manifest`, always the same for the same content:
  ///   "WEIRMF01", length of the message as 8 bytes little-endian, the message, SHA-256 of all
  ///   before it.
  static std::string EncodeManifest(const proto::Manifest& manifest);
  /// SHA-256 of EncodeManifest: what the next manifest names as parent_checksum.
  static std::string ChecksumOf(const proto::Manifest& manifest);

  // Files.

  /// Takes a local file over under `id`: by hard link on the same file system, else as a copy. The
  /// caller never changes it afterwards. `name` is what restore will call it.
  Result<proto::StoredFile> PutFile(const std::string& id, const std::string& path,
                                    const std::string& name);
  Result<proto::StoredFile> PutBytes(const std::string& id, std::string_view bytes,
                                     const std::string& name);
  /// A file that is to become one of the store's by Adopt; until then an orphan.
  Result<std::unique_ptr<files::GrowingFile>> NewFile(const std::string& id);
  /// Makes it durable as it is. After an error the file is not to be used any more.
  Result<proto::StoredFile> Adopt(files::GrowingFile& file, const std::string& id,
                                  const std::string& name);
  /// To be read piece by piece, after its size and checksum were found right.
  Result<std::unique_ptr<files::GrowingFile>> OpenFile(const proto::StoredFile& file) const;
  /// The whole file, after its size and checksum were found right.
  Result<std::string> ReadFile(const proto::StoredFile& file) const;
  /// Brings a file to `path` (must not be there): a hard link on the same file system, unless
  /// `copy`; else a synced copy. Whoever gets a link must never change it.
  Status Fetch(const proto::StoredFile& file, const std::string& path, FetchCheck check,
               bool copy = false) const;
  /// Ok also where it is gone already.
  Status RemoveFile(const std::string& id);
  /// A file's presence, size and, where `deep`, SHA-256.
  Status CheckFile(const proto::StoredFile& file, bool deep) const;
  Result<std::vector<std::string>> ListFiles() const;

  // Manifests.

  /// Creates manifest `manifest.number()`, exclusively. An error means that the outcome is unknown:
  /// call again with the same manifest until it is known (rule 3).
  Result<CommitOutcome> CommitManifest(const proto::Manifest& manifest);
  /// Numbers of the manifests there are, ascending.
  Result<std::vector<uint64_t>> ListManifests() const;
  /// Magic, length and checksum are right, and it says the number it is stored under.
  Result<StoredManifest> ReadManifest(uint64_t number) const;
  /// The newest manifest, after the chain of numbers and parents of all that are kept was found
  /// whole; nothing where there is none.
  Result<std::optional<StoredManifest>> Newest() const;
  /// All that `number` names is there with the right size and, where `deep`, checksum; and its
  /// chain of parents is right as far as it is kept.
  Status Verify(uint64_t number, bool deep) const;

  /// Removes manifests older than the `retain` newest (at least 1 is kept), oldest first, each
  /// before the files that only removed ones name; then those of `finished` (ids of files that
  /// finished tries uploaded) that no kept manifest names (rule 6).
  Result<CleanUpReport> CleanUp(uint64_t retain, const std::vector<std::string>& finished);
  /// Removes every file that no manifest names, and leftovers of interrupted writes. Only while no
  /// try is under way anywhere: at the start, under the job store's lock.
  Result<CleanUpReport> RemoveOrphans();

  // Sinks without markers (rule 19).

  /// Says that publishing `epoch` of `sink` is about to begin. Never lowers.
  Status WritePublishing(const std::string& sink, Epoch epoch);
  /// The newest epoch whose publishing may have begun; 0: none.
  Result<Epoch> ReadPublishing(const std::string& sink) const;

  const std::string& directory() const { return directory_; }

 private:
  explicit CheckpointStore(std::string directory) : directory_(std::move(directory)) {}
  std::string FilePath(const std::string& id) const;
  std::string ManifestPath(uint64_t number) const;
  const std::string directory_;
};

/// Ids of all files that a manifest names.
std::vector<std::string> FilesOf(const proto::Manifest& manifest);
/// The same with size and checksum.
std::vector<const proto::StoredFile*> StoredFilesOf(const proto::Manifest& manifest);

/// What `weir checkpoint verify` prints: one line for each manifest and each fault.
struct VerifyReport {
  bool ok = true;
  uint64_t checkpoints = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::string text;
};
/// Verifies one checkpoint, or all that are kept; faults are lines of the report, not errors.
Result<VerifyReport> VerifyCheckpoints(const CheckpointStore& store, std::optional<uint64_t> number,
                                       bool deep);

}  // namespace weir
