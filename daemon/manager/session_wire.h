#pragma once

#include "daemon/manager/actions.h"
#include "daemon/manager/facts.h"
#include "proto/cluster.pb.h"

/// Between the core's facts and actions and the messages of a worker's session.
namespace weir::manager {

WorkerHello HelloOf(proto::Hello message);
WorkerStanding StandingOf(const proto::Standing& message);
AttemptReport ReportOf(const proto::Report& message);
/// Without the attempt that it is of, and its details.
proto::Report MessageOf(const AttemptReport& report);
AttemptOutcome OutcomeOf(const proto::AttemptOutcome& message);
AttemptId AttemptOf(const proto::AttemptRef& message);

proto::ToWorker MessageOf(uint64_t term, const WorkerMessage& message);

}  // namespace weir::manager
