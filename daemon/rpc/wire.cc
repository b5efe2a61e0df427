#include "daemon/rpc/wire.h"

#include <algorithm>

#include "base/foreign_status.h"

namespace weir {
proto::Error ToProto(const Status& status) {
  proto::Error error;
  if (status.ok()) return error;
  error.set_code(std::string(status.code().id));
  error.set_kind(static_cast<uint32_t>(status.kind()));
  error.set_message(status.message());
  error.set_cure(status.cure());
  return error;
}

Status FromProto(const proto::Error& error) {
  if (error.code().empty()) return Status::Ok();
  const uint32_t kind = std::min(error.kind(), static_cast<uint32_t>(ErrorKind::kGaveUp));
  return ForeignStatus(error.code(), static_cast<ErrorKind>(kind), error.message(), error.cure());
}

proto::AttemptRef ToProto(const std::string& job, const AttemptId& attempt) {
  proto::AttemptRef ref;
  ref.set_job(job);
  ref.set_term(attempt.term);
  ref.set_number(attempt.number);
  return ref;
}

proto::BarrierRef ToProto(const BarrierId& id) {
  proto::BarrierRef ref;
  ref.set_epoch(id.epoch.value);
  ref.set_attempt_try(id.attempt_try);
  return ref;
}

BarrierId FromProto(const proto::BarrierRef& id) { return {Epoch{id.epoch()}, id.attempt_try()}; }

proto::TaskRef ToProto(const TaskId& task) {
  proto::TaskRef ref;
  ref.set_fragment(task.fragment);
  ref.set_index(task.index);
  return ref;
}

TaskId FromProto(const proto::TaskRef& task) { return {task.fragment(), task.index()}; }

proto::WatermarkState ToProto(const Watermark& watermark) {
  proto::WatermarkState state;
  state.set_time_us(watermark.time.us);
  state.set_idle(watermark.idle);
  return state;
}

Watermark FromProto(const proto::WatermarkState& watermark) {
  return {EventTime{watermark.time_us()}, watermark.idle()};
}

proto::SplitState ToProto(const Split& split) {
  proto::SplitState state;
  state.set_id(split.id);
  state.set_position(split.position);
  state.set_stop(split.stop);
  state.set_ordinal(split.ordinal);
  return state;
}

Split FromProto(const proto::SplitState& split) {
  return {split.id(), split.position(), split.stop(), split.ordinal()};
}

proto::LaneStart ToProto(const std::string& sink, const LaneMarker& marker) {
  proto::LaneStart lane;
  lane.set_sink(sink);
  lane.set_marker_found(marker.found);
  lane.set_marker_epoch(marker.epoch.value);
  lane.set_marker_instance(marker.instance);
  lane.set_marker_checksum(marker.manifest_checksum);
  return lane;
}

LaneMarker FromProto(const proto::LaneStart& lane) {
  return {lane.marker_found(), Epoch{lane.marker_epoch()}, lane.marker_instance(),
          lane.marker_checksum()};
}

proto::SetAside ToProto(const SetAside& set_aside) {
  proto::SetAside message;
  message.set_records(static_cast<uint64_t>(set_aside.records));
  message.set_dead_letter(set_aside.dead_letter);
  if (set_aside.letters) *message.mutable_letters() = *set_aside.letters;
  return message;
}

SetAside FromProto(const proto::SetAside& set_aside) {
  SetAside read;
  read.records = static_cast<int64_t>(set_aside.records());
  read.dead_letter = set_aside.dead_letter();
  if (set_aside.has_letters()) read.letters = set_aside.letters();
  return read;
}

proto::Ack ToProto(TaskAck ack) {
  proto::Ack message;
  *message.mutable_task() = ToProto(ack.task);
  *message.mutable_id() = ToProto(ack.id);
  *message.mutable_checkpoint() = std::move(ack.checkpoint);
  for (proto::SourceState& source : ack.sources) *message.add_sources() = std::move(source);
  for (SealedOutbox& outbox : ack.sealed) {
    proto::SealedByTask& sealed = *message.add_sealed();
    sealed.set_sink(std::move(outbox.sink));
    *sealed.mutable_stored() = std::move(outbox.stored);
  }
  for (const auto& [node, tally] : ack.tallies) {
    if (tally.sealed == 0) continue;
    proto::NodeSealed& sealed = *message.add_node_sealed();
    sealed.set_node(node);
    sealed.set_sealed(tally.sealed);
  }
  for (const auto& [name, channel] : ack.channels) {
    proto::ChannelCount& count = *message.add_channels();
    count.set_name(name);
    count.set_sent(channel.sent);
    count.set_received(channel.received);
  }
  return message;
}

TaskAck FromProto(proto::Ack message) {
  TaskAck ack;
  ack.task = FromProto(message.task());
  ack.id = FromProto(message.id());
  ack.checkpoint = std::move(*message.mutable_checkpoint());
  for (proto::SourceState& source : *message.mutable_sources()) {
    ack.sources.push_back(std::move(source));
  }
  for (proto::SealedByTask& sealed : *message.mutable_sealed()) {
    ack.sealed.push_back({sealed.sink(), std::move(*sealed.mutable_stored())});
  }
  for (const proto::NodeCounts& stored : ack.checkpoint.counts()) {
    ack.tallies[stored.node()] = TallyOf(stored);
  }
  for (const proto::NodeSealed& sealed : message.node_sealed()) {
    ack.tallies[sealed.node()].sealed = sealed.sealed();
  }
  for (const proto::ChannelCount& count : message.channels()) {
    ack.channels[count.name()] = {count.sent(), count.received()};
  }
  return ack;
}

proto::TaskGauges ToProto(const TaskProgress& progress) {
  proto::TaskGauges gauges;
  *gauges.mutable_task() = ToProto(progress.task);
  gauges.set_is_source(progress.is_source);
  gauges.set_rows_in(progress.rows_in);
  gauges.set_rows_out(progress.rows_out);
  gauges.set_busy_us(progress.busy_us);
  gauges.set_blocked_us(progress.blocked_us);
  gauges.set_idle_us(progress.idle_us);
  gauges.set_newest_us(progress.newest.us);
  gauges.set_lag_records(progress.lag_records);
  gauges.set_lag_us(progress.lag_us);
  gauges.set_longest_hold_us(progress.longest_hold_us);
  gauges.set_watermark_us(progress.watermark.us);
  gauges.set_holder(progress.holder);
  *gauges.mutable_uncapped() = ToProto(progress.uncapped);
  return gauges;
}

TaskProgress FromProto(const proto::TaskGauges& gauges) {
  TaskProgress progress;
  progress.task = FromProto(gauges.task());
  progress.is_source = gauges.is_source();
  progress.rows_in = gauges.rows_in();
  progress.rows_out = gauges.rows_out();
  progress.busy_us = gauges.busy_us();
  progress.blocked_us = gauges.blocked_us();
  progress.idle_us = gauges.idle_us();
  progress.newest = EventTime{gauges.newest_us()};
  progress.lag_records = gauges.lag_records();
  progress.lag_us = gauges.lag_us();
  progress.longest_hold_us = gauges.longest_hold_us();
  progress.watermark = EventTime{gauges.watermark_us()};
  progress.holder = gauges.holder();
  progress.uncapped = FromProto(gauges.uncapped());
  return progress;
}

}  // namespace weir
