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

/// What is to be verified; neither a checkpoint nor a savepoint: all that is kept.
struct VerifyWanted {
  uint64_t checkpoint = 0;
  std::string savepoint;  ///< Where it lies.
  bool deep = true;       ///< Every byte, not sizes only.
};
/// See VerifyCheckpoints and VerifySavepoint.
Result<VerifyReport> VerifyKept(const CheckpointStore& store, const VerifyWanted& wanted,
                                const SavepointOpener& open,
                                const std::function<Status()>& go_on = nullptr);

/// Rows that an outbox was sealed with.
int64_t RowsOf(const proto::OutboxEpoch& epoch);

}  // namespace weir
