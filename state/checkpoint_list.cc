#include "state/checkpoint_list.h"

#include "state/errors.h"

namespace weir {

int64_t RowsOf(const proto::OutboxEpoch& epoch) {
  int64_t rows = 0;
  for (const proto::OutboxPart& part : epoch.parts()) rows += part.rows();
  return rows;
}

Result<std::vector<ListedCheckpoint>> ListCheckpoints(const CheckpointStore& store) {
  std::vector<ListedCheckpoint> list;
  for (const uint64_t number : WEIR_TRY(store.ListManifests())) {
    const Result<StoredManifest> stored = store.ReadManifest(number);
    // Cleaned up meanwhile.
    if (!stored.ok() && stored.status().Is(errors::kNoCheckpoint)) continue;
    ListedCheckpoint& one = list.emplace_back();
    one.number = number;
    if (!stored.ok()) {
      one.fault = stored.status();
      continue;
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
  }
  return list;
}

}  // namespace weir
