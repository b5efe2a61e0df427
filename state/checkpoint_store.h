#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "config/store_location.h"
#include "proto/manifest.pb.h"
#include "state/blobs.h"
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

/// What a store is opened for.
enum class StoreUse {
  kRun,   ///< Running the job: folders are made, and a service is asked whether it can be trusted.
  kLook,  ///< Looking at what there is: nothing is made. Files cannot be fetched from a service.
  kRead,  ///< Looking at it and reading files: those of a service come by way of the local disk.
};

/// The checkpoints of one job, in a directory or under a prefix of a bucket (state/blobs.h):
///   <root>/<job>/files/<id>                       immutable, named by random ids
///   <root>/<job>/checkpoints/<number>/manifest    the log; creating one is the commit
///   <root>/<job>/publishing/<sink>                newest epoch whose publishing began (rule 19)
///   <root>/<job>/schemas/<name>                   what records were read or written with
///   <root>/<job>/damaged/<number>-…/manifest      what was laid aside
///   <root>/<job>/savepoints/<number>/             a manifest and its files, complete (rule 6)
/// Thread safe. Every write is durable before the method returns ok. Errors say where. In memory it
/// keeps which manifests there are with the files that they name, so that a clean-up needs not ask
/// for them: whoever else writes to the job's store has deposed this one (rule 3).
class CheckpointStore {
 public:
  /// `job` must be a plain name. `local`: a folder on the local disk that is the job's and this
  /// process's alone, where what is bound for a service lies meanwhile.
  static Result<std::unique_ptr<CheckpointStore>> Open(const StoreLocation& location,
                                                       const std::string& job,
                                                       const std::string& local,
                                                       StoreUse use = StoreUse::kRun);
  /// In the directory `root`, which nobody else works in.
  static Result<std::unique_ptr<CheckpointStore>> Open(const std::string& root,
                                                       const std::string& job);
  /// A savepoint in a folder of its own, wherever it has been moved to: its files are those of the
  /// store, and SavepointManifest is all there is beside. Nothing is written but to `local`.
  static Result<std::unique_ptr<CheckpointStore>> OpenSavepoint(const StoreLocation& folder,
                                                                const std::string& local,
                                                                StoreUse use);
  /// In any place. `alone`: nobody else can be working in it.
  CheckpointStore(std::unique_ptr<BlobStore> blobs, bool alone);

  /// Bytes of the manifest file of `manifest`, always the same for the same content:
  ///   "WEIRMF01", length of the message as 8 bytes little-endian, the message, SHA-256 of all
  ///   before it.
  static std::string EncodeManifest(const proto::Manifest& manifest);
  /// SHA-256 of EncodeManifest: what the next manifest names as parent_checksum.
  static std::string ChecksumOf(const proto::Manifest& manifest);

  // Files.

  /// Takes a local file over under `id`, in a directory by hard link where it can be. The caller
  /// never changes it afterwards. `name` is what restore will call it.
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
  /// Brings a file to `path` (must not be there): a hard link to what lies on the same file system,
  /// unless `copy`; else a synced copy. Whoever gets a link must never change it.
  Status Fetch(const proto::StoredFile& file, const std::string& path, FetchCheck check,
               bool copy = false) const;
  /// Ok also where it is gone already. In a bucket it goes with the next clean-up.
  Status RemoveFile(const std::string& id);
  /// A file's presence, size and, where `deep`, SHA-256.
  Status CheckFile(const proto::StoredFile& file, bool deep) const;
  Result<std::vector<std::string>> ListFiles() const;

  // Manifests.

  /// Creates manifest `manifest.number()`, exclusively, behind the one before it, which must be
  /// there. (If it is gone, another process has gone on and cleaned up: kOther.) One without a
  /// parent begins the log, under any number, and must be the only one. An error means that the
  /// outcome is unknown: call again with the same manifest until it is known (rule 3).
  Result<CommitOutcome> CommitManifest(const proto::Manifest& manifest);
  /// Numbers of the manifests there are, ascending.
  Result<std::vector<uint64_t>> ListManifests() const;
  /// Whether there is none above `number`, which is or was this process's newest (0: none yet).
  Result<bool> IsNewest(uint64_t number) const;
  /// Magic, length and checksum are right, and it says the number it is stored under.
  Result<StoredManifest> ReadManifest(uint64_t number) const;
  /// The newest manifest, after the chain of numbers and parents of all that are kept was found
  /// whole (but for what a deposed attempt left far below); nothing where there is none.
  Result<std::optional<StoredManifest>> Newest() const;
  /// All that `number` names is there with the right size and, where `deep`, checksum; and its
  /// chain of parents is right as far as it is kept.
  Status Verify(uint64_t number, bool deep) const;

  /// Removes manifests older than the `retain` newest (at least 1 is kept), oldest first, each
  /// before the files that only removed ones name; then those of `finished` (ids of files that
  /// finished tries uploaded) that no kept manifest names (rule 6). Lists nothing once the
  /// manifests are known.
  Result<CleanUpReport> CleanUp(uint64_t retain, const std::vector<std::string>& finished);
  /// Removes every file that no manifest names, and leftovers of interrupted writes. At the start,
  /// under the job store's lock. Where that lock does not keep everybody out, in a bucket or a
  /// directory of several machines, only files that are older than a day: a younger one may be of a
  /// try that another process has under way.
  Result<CleanUpReport> RemoveOrphans();
  /// Takes a manifest out of the log, to `damaged/`.
  Status LayAside(uint64_t number);
  /// Forgets the job: manifests, files, and what was published. Savepoints stay.
  Status RemoveAll();

  // Savepoints.

  /// Until Unpin, clean-up leaves checkpoint `number` and all later ones.
  void Pin(uint64_t number);
  void Unpin(uint64_t number);
  /// Copies the checkpoint, which is pinned, to a savepoint of its number. Where that is, when all
  /// of it is durable.
  Result<std::string> CopyToSavepoint(uint64_t number);
  /// Numbers of those there are, ascending.
  Result<std::vector<uint64_t>> ListSavepoints() const;
  /// The place to open the savepoint at; it needs not be there.
  std::string SavepointLocation(uint64_t number) const;
  /// The manifest of an OpenSavepoint. kNoCheckpoint where there is none.
  Result<StoredManifest> SavepointManifest() const;
  /// kNoCheckpoint where there is none.
  Status RemoveSavepoint(uint64_t number);
  /// Takes all files over that `manifest` names and `from` has, each after its size and checksum
  /// were found right, under new ids, which the manifest then names: no name is used twice (rule
  /// 6).
  Status TakeFiles(const CheckpointStore& from, proto::Manifest& manifest);

  // Sinks without markers (rule 19).

  /// Says that publishing `epoch` of `sink` is about to begin. Never lowers: it is one record that
  /// one process writes. (A deposed one cannot come in between: before each publishing the
  /// manifests are looked at.)
  Status WritePublishing(const std::string& sink, Epoch epoch);
  /// The newest epoch whose publishing may have begun; 0: none.
  Result<Epoch> ReadPublishing(const std::string& sink) const;

  // Schemas of records.

  /// Keeps a text under a name for as long as the job is there. The first one stays.
  Status KeepSchema(const std::string& name, std::string_view text);
  /// None where nothing was kept.
  Result<std::optional<std::string>> ReadSchema(const std::string& name) const;

  /// Ends calls that are under way and all later ones, where they may take long: with an error.
  void Cancel() { blobs_->Cancel(); }
  /// Its directory, or s3://bucket/…
  const std::string& location() const { return location_; }

 private:
  /// The files of a manifest with their sizes; none where it is damaged.
  using Named = std::optional<std::map<std::string, uint64_t>>;
  Result<std::map<uint64_t, Named>> Known() const;
  Result<bool> WasFree(const proto::Manifest& manifest) const;
  Status RemoveHalfSavepoints(EventTime young) const;
  uint64_t OldestPinned() const;
  void Remember(uint64_t number, const proto::Manifest& manifest);
  Status Judge(const proto::StoredFile& file, const std::optional<files::Digest>& found,
               bool full) const;
  Result<std::string> LocalPath(const proto::StoredFile& file, bool full) const;

  const std::unique_ptr<BlobStore> blobs_;
  const bool alone_;
  const std::string location_;
  mutable std::mutex mutex_;
  mutable std::optional<std::map<uint64_t, Named>> known_;  ///< Once they were read.
  std::set<uint64_t> pinned_;
  std::map<std::string, Epoch> publishing_;  ///< As written or read here.
};

/// Ids of all files that a manifest names.
std::vector<std::string> FilesOf(const proto::Manifest& manifest);
/// The same with size and checksum.
std::vector<const proto::StoredFile*> StoredFilesOf(const proto::Manifest& manifest);

/// The same, to be changed.
std::vector<proto::StoredFile*> StoredFilesOf(proto::Manifest& manifest);

/// What was found of one checkpoint, or of a savepoint's copy.
struct VerifiedCheckpoint {
  uint64_t number = 0;
  std::string savepoint_at;  ///< Where the savepoint lies; empty: a checkpoint of the log.
  bool readable = false;     ///< Its manifest is; what follows, but for faults, is known only then.
  uint64_t attempt = 0;
  uint64_t tasks = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  bool savepoint = false;
  std::vector<std::string> faults;  ///< A sentence each.
};
/// What `weir checkpoint verify` tells.
struct VerifyReport {
  bool deep = false;   ///< Every byte was read.
  uint64_t files = 0;  ///< Each once, however many checkpoints name it.
  uint64_t bytes = 0;
  std::vector<VerifiedCheckpoint> checkpoints;
  bool ok() const;
};
/// Verifies one checkpoint, or all that are kept; faults are in the report, not errors. It may take
/// long: `go_on`, if any, is asked before each file, and its error ends the work.
Result<VerifyReport> VerifyCheckpoints(const CheckpointStore& store, std::optional<uint64_t> number,
                                       bool deep, const std::function<Status()>& go_on = nullptr);
/// Adds the savepoint that `folder` was opened at. kNoCheckpoint where there is none.
Status VerifySavepoint(const CheckpointStore& folder, const std::function<Status()>& go_on,
                       VerifyReport& report);

}  // namespace weir
