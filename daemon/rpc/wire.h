#pragma once

#include <string>

#include "daemon/rpc/messages.h"
#include "engine/task_host.h"
#include "proto/cluster.pb.h"

/// Between the engine's own types and the messages that carry them.
namespace weir {

proto::Error ToProto(const Status& status);
/// An error as it was on the other side, its code and kind included.
Status FromProto(const proto::Error& error);

proto::AttemptRef ToProto(const std::string& job, const AttemptId& attempt);
inline AttemptId IdOf(const proto::AttemptRef& attempt) {
  return {attempt.term(), attempt.number()};
}

proto::BarrierRef ToProto(const BarrierId& id);
BarrierId FromProto(const proto::BarrierRef& id);
proto::TaskRef ToProto(const TaskId& task);
TaskId FromProto(const proto::TaskRef& task);
proto::WatermarkState ToProto(const Watermark& watermark);
Watermark FromProto(const proto::WatermarkState& watermark);
proto::SplitState ToProto(const Split& split);
Split FromProto(const proto::SplitState& split);
proto::LaneStart ToProto(const std::string& sink, const LaneMarker& marker);
LaneMarker FromProto(const proto::LaneStart& lane);
proto::SetAside ToProto(const SetAside& set_aside);
SetAside FromProto(const proto::SetAside& set_aside);
proto::Ack ToProto(TaskAck ack);
TaskAck FromProto(proto::Ack ack);
proto::TaskGauges ToProto(const TaskProgress& progress);
TaskProgress FromProto(const proto::TaskGauges& gauges);

}  // namespace weir
