#include <algorithm>
#include <set>

#include "state/checkpoint_store.h"
#include "state/errors.h"

namespace weir {

std::vector<proto::StoredFile*> StoredFilesOf(proto::Manifest& manifest) {
  std::vector<proto::StoredFile*> found;
  for (proto::TaskCheckpoint& task : *manifest.mutable_tasks()) {
    for (proto::StoredStore& store : *task.mutable_stores()) {
      for (proto::StoredFile& file : *store.mutable_files()) found.push_back(&file);
    }
  }
  for (proto::LaneState& lane : *manifest.mutable_lanes()) {
    for (proto::OutboxEpoch& epoch : *lane.mutable_unpublished()) {
      for (proto::OutboxPart& part : *epoch.mutable_parts()) {
        if (part.has_file()) found.push_back(part.mutable_file());
      }
    }
  }
  return found;
}

std::vector<const proto::StoredFile*> StoredFilesOf(const proto::Manifest& manifest) {
  // What is there is only pointed at; nothing comes to be by that.
  const auto found = StoredFilesOf(const_cast<proto::Manifest&>(manifest));
  return {found.begin(), found.end()};
}

std::vector<std::string> FilesOf(const proto::Manifest& manifest) {
  std::vector<std::string> ids;
  for (const proto::StoredFile* file : StoredFilesOf(manifest)) ids.push_back(file->id());
  return ids;
}

namespace {

bool IsGone(const CheckpointStore& store, uint64_t number) {
  const Result<StoredManifest> stored = store.ReadManifest(number);
  return !stored.ok() && stored.status().Is(errors::kNoCheckpoint);
}

/// Looks at a manifest and its files; `seen`: files that were looked at, with what they are to
/// hold.
Result<VerifiedCheckpoint> VerifyOne(const CheckpointStore& store, uint64_t number,
                                     const Result<StoredManifest>& stored, bool deep,
                                     const std::function<Status()>& go_on,
                                     std::set<std::string>& seen, VerifyReport& report) {
  VerifiedCheckpoint found;
  found.number = number;
  const auto fault = [&found](std::string line) { found.faults.push_back(std::move(line)); };
  if (!stored.ok()) {
    fault(stored.status().ToString());
    return found;
  }
  const proto::Manifest& manifest = stored->manifest;
  found.readable = true;
  found.attempt = manifest.attempt();
  found.tasks = static_cast<uint64_t>(manifest.tasks_size());
  found.savepoint = manifest.savepoint();
  for (const proto::StoredFile* file : StoredFilesOf(manifest)) {
    if (go_on) WEIR_TRY(go_on());
    found.files++;
    found.bytes += file->size();
    // A file's content is the same for every checkpoint that names it with this checksum.
    const bool first = seen.insert(file->id() + "/" + file->sha256()).second;
    const Status checked = store.CheckFile(*file, deep && first);
    if (!checked.ok()) fault(checked.message());
    if (first) {
      report.files++;
      report.bytes += file->size();
    }
  }
  return found;
}

/// The chain; files are looked at one by one, so that all faults show.
void CheckParent(const CheckpointStore& store, const Result<StoredManifest>& stored,
                 VerifiedCheckpoint& found) {
  if (!stored.ok() || stored->manifest.parent() == 0) return;
  const Result<StoredManifest> parent = store.ReadManifest(stored->manifest.parent());
  if (parent.ok() && parent->checksum != stored->manifest.parent_checksum()) {
    found.faults.insert(found.faults.begin(), "it does not go on from the checkpoint " +
                                                  std::to_string(stored->manifest.parent()) +
                                                  " that is there");
  }
}

}  // namespace

bool VerifyReport::ok() const {
  return std::all_of(checkpoints.begin(), checkpoints.end(),
                     [](const auto& checkpoint) { return checkpoint.faults.empty(); });
}

Result<VerifyReport> VerifyCheckpoints(const CheckpointStore& store, std::optional<uint64_t> number,
                                       bool deep, const std::function<Status()>& go_on) {
  VerifyReport report;
  report.deep = deep;
  std::vector<uint64_t> numbers = WEIR_TRY(store.ListManifests());
  if (number) {
    Result<StoredManifest> asked = store.ReadManifest(*number);
    if (!asked.ok() && asked.status().Is(errors::kNoCheckpoint)) return asked.status();
    numbers = {*number};
  }
  std::set<std::string> seen;
  uint64_t previous = 0;
  for (const uint64_t at : numbers) {
    const Result<StoredManifest> stored = store.ReadManifest(at);
    VerifiedCheckpoint found = WEIR_TRY(VerifyOne(store, at, stored, deep, go_on, seen, report));
    CheckParent(store, stored, found);
    // Its manifest goes first: what is amiss of one that was cleaned up meanwhile is no damage.
    if (!found.faults.empty() && IsGone(store, at)) {
      if (number) (void)WEIR_TRY(store.ReadManifest(at));
      previous = at;
      continue;
    }
    if (previous != 0 && at != previous + 1) {
      found.faults.insert(found.faults.begin(),
                          "checkpoint " + std::to_string(previous + 1) + " is missing");
    }
    previous = at;
    report.checkpoints.push_back(std::move(found));
  }
  return report;
}

Status VerifySavepoint(const CheckpointStore& folder, const std::function<Status()>& go_on,
                       VerifyReport& report) {
  const Result<StoredManifest> stored = folder.SavepointManifest();
  if (!stored.ok() && stored.status().Is(errors::kNoCheckpoint)) return stored.status();
  std::set<std::string> seen;
  VerifiedCheckpoint found = WEIR_TRY(VerifyOne(folder, stored.ok() ? stored->manifest.number() : 0,
                                                stored, report.deep, go_on, seen, report));
  found.savepoint_at = folder.location();
  report.checkpoints.push_back(std::move(found));
  return Status::Ok();
}

}  // namespace weir
