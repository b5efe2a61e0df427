#include <set>

#include "state/checkpoint_store.h"
#include "state/errors.h"

namespace weir {
namespace {

std::string Amount(uint64_t bytes) {
  if (bytes < 10 << 10) return std::to_string(bytes) + " B";
  if (bytes < uint64_t{10} << 20) return std::to_string(bytes >> 10) + " KiB";
  return std::to_string(bytes >> 20) + " MiB";
}

std::string Counted(uint64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

}  // namespace

std::vector<const proto::StoredFile*> StoredFilesOf(const proto::Manifest& manifest) {
  std::vector<const proto::StoredFile*> found;
  for (const proto::TaskCheckpoint& task : manifest.tasks()) {
    for (const proto::StoredStore& store : task.stores()) {
      for (const proto::StoredFile& file : store.files()) found.push_back(&file);
    }
  }
  for (const proto::LaneState& lane : manifest.lanes()) {
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
      for (const proto::OutboxPart& part : epoch.parts()) {
        if (part.has_file()) found.push_back(&part.file());
      }
    }
  }
  return found;
}

std::vector<std::string> FilesOf(const proto::Manifest& manifest) {
  std::vector<std::string> ids;
  for (const proto::StoredFile* file : StoredFilesOf(manifest)) ids.push_back(file->id());
  return ids;
}

Result<VerifyReport> VerifyCheckpoints(const CheckpointStore& store, std::optional<uint64_t> number,
                                       bool deep) {
  VerifyReport report;
  std::vector<uint64_t> numbers = WEIR_TRY(store.ListManifests());
  if (number) {
    Result<StoredManifest> asked = store.ReadManifest(*number);
    if (!asked.ok() && asked.status().Is(errors::kNoCheckpoint)) return asked.status();
    numbers = {*number};
  }
  const auto fault = [&](const std::string& line) {
    report.ok = false;
    report.text += "  damaged: " + line + "\n";
  };
  std::set<std::string> seen;
  uint64_t previous = 0;
  for (const uint64_t at : numbers) {
    report.checkpoints++;
    if (previous != 0 && at != previous + 1) {
      fault("checkpoint " + std::to_string(previous + 1) + " is missing");
    }
    previous = at;
    Result<StoredManifest> stored = store.ReadManifest(at);
    if (!stored.ok()) {
      report.text += "checkpoint " + std::to_string(at) + "\n";
      fault(stored.status().ToString());
      continue;
    }
    uint64_t bytes = 0;
    const auto named = StoredFilesOf(stored->manifest);
    for (const proto::StoredFile* file : named) bytes += file->size();
    report.text += "checkpoint " + std::to_string(at) + " of job " + stored->manifest.job() +
                   ", attempt " + std::to_string(stored->manifest.attempt()) + ": " +
                   Counted(static_cast<uint64_t>(stored->manifest.tasks_size()), "task") + ", " +
                   Counted(named.size(), "file") + ", " + Amount(bytes) +
                   (stored->manifest.savepoint() ? ", savepoint" : "") + "\n";
    // The chain and the manifest; files are looked at one by one below, so that all faults show.
    if (stored->manifest.parent() > 0) {
      Result<StoredManifest> parent = store.ReadManifest(stored->manifest.parent());
      if (parent.ok() && parent->checksum != stored->manifest.parent_checksum()) {
        fault("it does not go on from the checkpoint " + std::to_string(stored->manifest.parent()) +
              " that is there");
      }
    }
    for (const proto::StoredFile* file : named) {
      // A file's content is the same for every checkpoint that names it with this checksum.
      const bool first = seen.insert(file->id() + "/" + file->sha256()).second;
      Status checked = store.CheckFile(*file, deep && first);
      if (!checked.ok()) fault(checked.message());
      if (first) {
        report.files++;
        report.bytes += file->size();
      }
    }
  }
  report.text += (report.ok ? "all right: " : "NOT all right: ") +
                 Counted(report.checkpoints, "checkpoint") + ", " + Counted(report.files, "file") +
                 ", " + Amount(report.bytes) +
                 (deep ? ", every byte read\n" : ", sizes looked at\n");
  return report;
}

}  // namespace weir
