#include "state/checkpoint_list.h"

#include "state/errors.h"

namespace weir {

int64_t RowsOf(const proto::OutboxEpoch& epoch) {
  int64_t rows = 0;
  for (const proto::OutboxPart& part : epoch.parts()) rows += part.rows();
  return rows;
}

namespace {

ListedCheckpoint InShort(uint64_t number, const Result<StoredManifest>& stored) {
  ListedCheckpoint one;
  one.number = number;
  if (!stored.ok()) {
    one.fault = stored.status();
    return one;
  }
  const proto::Manifest& manifest = stored->manifest;
  one.written = EventTime{manifest.written_at_us()};
  one.attempt = manifest.attempt();
  one.savepoint = manifest.savepoint();
  one.ended = manifest.ended();
  for (const proto::StoredFile* file : StoredFilesOf(manifest)) {
    one.files++;
    one.bytes += file->size();
  }
  for (const proto::LaneState& lane : manifest.lanes()) {
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
      one.unpublished_rows += RowsOf(epoch);
    }
  }
  return one;
}

}  // namespace

Result<std::vector<ListedCheckpoint>> ListCheckpoints(const CheckpointStore& store,
                                                      const SavepointOpener& open) {
  std::vector<ListedCheckpoint> list;
  for (const uint64_t number : WEIR_TRY(store.ListManifests())) {
    const Result<StoredManifest> stored = store.ReadManifest(number);
    // Cleaned up meanwhile.
    if (!stored.ok() && stored.status().Is(errors::kNoCheckpoint)) continue;
    list.push_back(InShort(number, stored));
  }
  for (const uint64_t number : WEIR_TRY(store.ListSavepoints())) {
    const std::string place = store.SavepointLocation(number);
    const auto folder = WEIR_TRY(open(place));
    const Result<StoredManifest> stored = folder->SavepointManifest();
    if (!stored.ok() && stored.status().Is(errors::kNoCheckpoint)) continue;
    list.push_back(InShort(number, stored));
    list.back().savepoint_at = place;
  }
  return list;
}

Result<VerifyReport> VerifyKept(const CheckpointStore& store, const VerifyWanted& wanted,
                                const SavepointOpener& open, const std::function<Status()>& go_on) {
  VerifyReport report;
  report.deep = wanted.deep;
  std::vector<std::string> savepoints;
  if (!wanted.savepoint.empty()) {
    savepoints.push_back(wanted.savepoint);
  } else {
    const bool all = wanted.checkpoint == 0;
    report = WEIR_TRY(VerifyCheckpoints(
        store, all ? std::nullopt : std::optional(wanted.checkpoint), wanted.deep, go_on));
    if (all) {
      for (const uint64_t number : WEIR_TRY(store.ListSavepoints())) {
        savepoints.push_back(store.SavepointLocation(number));
      }
    }
  }
  for (const std::string& place : savepoints) {
    const auto folder = WEIR_TRY(open(place));
    WEIR_TRY(VerifySavepoint(*folder, go_on, report));
  }
  return report;
}

}  // namespace weir
