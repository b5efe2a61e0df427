#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "engine/plan.h"
#include "proto/manifest.pb.h"

namespace weir {

/// What became of records that a sink's outside refused when they were published. They count as
/// published; the next manifest must hold the letters, since with it the records are forgotten.
struct SetAside {
  int64_t records = 0;
  /// The sink that takes the letters, and its outbox with them; none where they are skipped, or
  /// left at once.
  std::string dead_letter;
  std::optional<proto::OutboxPart> letters;
};

/// Deals with `refused` by the `on_error` of `sink`: an error where the job is to stop. The letters
/// lie in the store of `context` then. `epoch` is the one that was published, `lane` its lane.
Result<SetAside> SetRecordsAside(const JobPlan& plan, const NodePlan& sink,
                                 const std::vector<RejectedRecord>& refused,
                                 const ConnectorContext& context, Epoch epoch, uint32_t lane);

/// Writes letters of `refused` by `writer`, which is of the dead letter `letters` of sink `sink`.
/// An error where the dead letter will not take one of them.
Status WriteLetters(const JobPlan& plan, const std::string& sink, const NodePlan& letters,
                    const std::vector<RejectedRecord>& refused, const Clock& clock,
                    SinkWriter& writer);

}  // namespace weir
