#include "engine/waiting_results.h"

#include <fmt/format.h>

#include "engine/errors.h"
#include "state/checkpoint_list.h"
#include "state/errors.h"

namespace weir {
namespace {

Status NoneYet(const CheckpointStore& store) {
  return Status(errors::kNoCheckpoint,
                fmt::format("there is no checkpoint in {} yet", store.location()),
                "what is published comes from a checkpoint, so nothing waits");
}

/// Beside a job that runs: it may have cleaned up what was just listed.
Result<StoredManifest> LookAtNewest(const CheckpointStore& store) {
  constexpr int kTries = 10;
  for (int attempt = 1;; attempt++) {
    const std::vector<uint64_t> numbers = WEIR_TRY(store.ListManifests());
    if (numbers.empty()) return NoneYet(store);
    Result<StoredManifest> newest = store.ReadManifest(numbers.back());
    if (newest.ok() || !newest.status().Is(errors::kNoCheckpoint) || attempt == kTries) {
      return newest;
    }
  }
}

}  // namespace

Result<WaitingResults> ListWaiting(const CheckpointStore& store) {
  const StoredManifest newest = WEIR_TRY(LookAtNewest(store));
  WaitingResults waiting;
  waiting.checkpoint = newest.manifest.number();
  for (const proto::LaneState& lane : newest.manifest.lanes()) {
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
      waiting.epochs.push_back({lane.sink(), lane.lane(), epoch.epoch(), RowsOf(epoch)});
    }
  }
  return waiting;
}

Result<Resolved> ResolveWaiting(
    CheckpointStore& store, const Resolution& resolution, EventTime now,
    const std::function<Result<AttemptId>(const proto::Manifest& newest)>& begin) {
  const std::optional<StoredManifest> newest = WEIR_TRY(store.Newest());
  if (!newest) return NoneYet(store);
  proto::Manifest manifest = newest->manifest;
  Resolved resolved;
  bool known = false;
  for (proto::LaneState& lane : *manifest.mutable_lanes()) {
    if (lane.sink() != resolution.sink) continue;
    known = true;
    for (const proto::OutboxEpoch& epoch : lane.unpublished()) resolved.rows += RowsOf(epoch);
    lane.set_set_refused_aside(!resolution.drop);
    if (resolution.drop) lane.clear_unpublished();
  }
  if (!known) {
    return Status(
        errors::kNoSuchSink,
        fmt::format("checkpoint {} knows no sink '{}'", manifest.number(), resolution.sink),
        "'weir txn list' shows the sinks that wait");
  }
  const AttemptId id = WEIR_TRY(begin(newest->manifest));
  if (id.number <= manifest.attempt()) {
    return Status(errors::kDeposed,
                  fmt::format("attempt {} of the job has written a checkpoint since this was asked",
                              manifest.attempt()),
                  "nothing was changed: look again with 'weir txn list'");
  }
  manifest.set_parent(manifest.number());
  manifest.set_parent_checksum(newest->checksum);
  manifest.set_number(manifest.number() + 1);
  manifest.set_term(id.term);
  manifest.set_attempt(id.number);
  manifest.set_written_at_us(now.us);
  if (resolution.drop) {
    (*manifest.mutable_totals()->mutable_values())[resolution.sink + ".dropped"] += resolved.rows;
  }
  if (WEIR_TRY(store.CommitManifest(manifest)) == CommitOutcome::kOther) {
    return Status(errors::kDeposed, "another process wrote a checkpoint at the same time",
                  "nothing was changed: look again with 'weir txn list'");
  }
  resolved.checkpoint = manifest.number();
  return resolved;
}

}  // namespace weir
