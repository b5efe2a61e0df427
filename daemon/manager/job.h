#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/manager/actions.h"
#include "daemon/manager/autoscale.h"
#include "daemon/manager/facts.h"

namespace weir::manager {

/// A record's way into the store. One write of it is under way at a time; changes that come
/// meanwhile go into the next one together.
struct Keeping {
  uint64_t changes = 0;    ///< To the record, since it was loaded.
  uint64_t stored = 0;     ///< So many of them are durable.
  uint64_t writing = 0;    ///< So many are in the write under way; 0: there is none.
  Duration not_before{0};  ///< After a write that failed.
  /// What may be said once so many changes are durable.
  std::vector<std::pair<uint64_t, Action>> when_stored;
  bool durable() const { return stored == changes; }
  void WhenStored(Action action) { when_stored.emplace_back(changes, std::move(action)); }
};

/// A job: its record, and what is known of it just now. All but the record can be had again.
struct Job {
  JobRecord record;

  Keeping keeping;
  bool durable() const { return keeping.durable(); }

  Duration since;       ///< In its state.
  Duration try_at;      ///< kWaiting: not before.
  bool spread = false;  ///< The next placement need not keep to the one before.

  // The attempt of the record.
  bool deployed = false;  ///< Its lead was told of it, by this manager or the one before.
  Duration deployed_at;
  bool taken_up = false;                    ///< Its lead has told of it.
  Duration stop_told_at = Duration::Max();  ///< Max: not yet.
  AttemptPhase phase = AttemptPhase::kRecovering;
  std::optional<AttemptReport> report;
  LoadWindow load;
  /// Workers that must hear that an attempt is over, once that is durable.
  std::vector<std::pair<std::string, AttemptId>> to_cancel;

  struct SavepointAsked {
    RequestId request;
    Duration told_at;
  };
  std::optional<SavepointAsked> savepoint_asked;
};

}  // namespace weir::manager
