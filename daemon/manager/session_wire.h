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
facts::ErrandDone ErrandDoneOf(SessionId session, proto::ErrandDone message);
AttemptId AttemptOf(const proto::AttemptRef& message);

/// A worker's reading of what it was told; `term` is the message's.
tell::RunErrand ErrandOf(uint64_t term, proto::RunErrand message);

proto::ToWorker MessageOf(uint64_t term, const WorkerMessage& message);

}  // namespace weir::manager
