#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "state/checkpoint_store.h"

namespace weir {

/// A checkpoint in short, as its manifest tells it.
struct ListedCheckpoint {
  uint64_t number = 0;
  Status fault;  ///< Not ok: the manifest can't be read, and of the rest nothing is known.
  EventTime written;
  uint64_t attempt = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  int64_t unpublished_rows = 0;  ///< Sealed, and not known to be out when it was written.
  bool savepoint = false;
  bool ended = false;        ///< A bounded job's last one.
  std::string savepoint_at;  ///< Where a savepoint's copy lies; empty: a checkpoint of the log.
};

/// Opens a savepoint at its place.
using SavepointOpener =
    std::function<Result<std::unique_ptr<CheckpointStore>>(const std::string& place)>;

/// All checkpoints that are kept, oldest first, then all savepoints.
Result<std::vector<ListedCheckpoint>> ListCheckpoints(const CheckpointStore& store,
                                                      const SavepointOpener& open);

/// Rows that an outbox was sealed with.
int64_t RowsOf(const proto::OutboxEpoch& epoch);

}  // namespace weir
