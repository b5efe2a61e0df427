#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/attempt_id.h"
#include "state/checkpoint_store.h"

namespace weir {

/// Results that a checkpoint holds and that were not known to be published when it was written:
/// those of one lane's epoch.
struct WaitingEpoch {
  std::string sink;
  uint32_t lane = 0;
  uint64_t epoch = 0;
  int64_t rows = 0;
};
struct WaitingResults {
  uint64_t checkpoint = 0;  ///< The newest.
  std::vector<WaitingEpoch> epochs;
};
/// What waits in the job's newest checkpoint; kNoCheckpoint where there is none.
Result<WaitingResults> ListWaiting(const CheckpointStore& store);

/// What a user decides about a sink's waiting results.
struct Resolution {
  std::string sink;
  bool drop = false;  ///< Never publish them; else the outside's refusals go to the dead letter.
};
struct Resolved {
  uint64_t checkpoint = 0;  ///< The one that says so.
  int64_t rows = 0;         ///< That waited for the sink.
};
/// Writes the user's word into a checkpoint of its own, by which the job's next start acts. Nothing
/// of the job may run: like an attempt, it has an id of its own, which `begin` gives, given the
/// newest manifest. The id must be above the manifest's, and durable. (One that comes late finds
/// that a later attempt has written, or that its number is taken, and has changed nothing.)
Result<Resolved> ResolveWaiting(
    CheckpointStore& store, const Resolution& resolution, EventTime now,
    const std::function<Result<AttemptId>(const proto::Manifest& newest)>& begin);

}  // namespace weir
