#pragma once

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
  bool ended = false;  ///< A bounded job's last one.
};

/// All checkpoints that are kept, oldest first.
Result<std::vector<ListedCheckpoint>> ListCheckpoints(const CheckpointStore& store);

/// Rows that an outbox was sealed with.
int64_t RowsOf(const proto::OutboxEpoch& epoch);

}  // namespace weir
