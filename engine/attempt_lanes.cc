#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/dead_letter.h"
#include "engine/attempt.h"
#include "engine/errors.h"
#include "engine/recovery.h"
#include "engine/stored_outbox.h"

/// What an attempt does with the lanes of its sinks before tasks start.
namespace weir {

Result<std::vector<SealedEpoch>> Attempt::LoadUnpublished(const proto::LaneState& lane,
                                                          Epoch after) {
  std::vector<SealedEpoch> sealed;
  for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
    if (epoch.epoch() <= after.value) continue;
    SealedEpoch loaded{Epoch{epoch.epoch()}, {}};
    for (const proto::OutboxPart& part : epoch.parts()) {
      loaded.parts.push_back(WEIR_TRY(OpenOutbox(*store_, part)));
    }
    sealed.push_back(std::move(loaded));
  }
  return sealed;
}

Status Attempt::MakeLanes() {
  constexpr uint32_t kLane = 0;  // A process has one lane for each sink.
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSink || lanes_.contains(node.user_name)) continue;
    std::unique_ptr<SinkPublisher> publisher =
        WEIR_TRY(node.sink->MakePublisher(Context(16 << 20), kLane));
    if (!publisher) continue;
    Lane::Listener listener{[this](const std::string& sink, uint32_t lane, Epoch epoch) {
                              Post(facts::Published{sink, lane, epoch});
                            },
                            [this](const std::string& sink, uint32_t, Status reason) {
                              Fail(CannotPublish(sink, std::move(reason)));
                            },
                            [this] { return Stands(); }};
    lanes_[node.user_name] = std::make_unique<Lane>(
        node.user_name, kLane, job_store_.facts().instance, node.sink->HasMarkers(),
        std::move(publisher), *store_, unpublished_bytes_, std::move(listener));
  }
  return Status::Ok();
}

Result<std::map<std::string, LaneStanding>> Attempt::ReadLanes() {
  std::map<std::string, LaneStanding> standings;
  for (const auto& [sink, lane] : lanes_) {
    LaneStanding& standing = standings[sink];
    standing.sink = sink;
    standing.lane = lane->number();
    standing.has_markers = lane->has_markers();
    standing.opened_before = manifest_.highest_lane().contains(sink);
    for (const proto::LaneState& stored : manifest_.lanes()) {
      if (stored.sink() != sink) continue;
      for (const proto::OutboxEpoch& epoch : stored.unpublished()) {
        standing.unpublished.push_back(Epoch{epoch.epoch()});
      }
    }
    if (standing.has_markers) {
      WEIR_TRY(WaitFor("the marker of sink '" + sink + "'", [&]() -> Status {
        standing.marker = WEIR_TRY(lane->publisher().ReadMarker());
        return Status::Ok();
      }));
    } else {
      standing.publishing_begun = WEIR_TRY(store_->ReadPublishing(sink));
    }
  }
  return standings;
}

Result<std::map<std::string, LaneDecision>> Attempt::DecideLanes(
    const std::map<std::string, LaneStanding>& standings) const {
  std::map<std::string, LaneDecision> decisions;
  for (const auto& [sink, standing] : standings) {
    decisions[sink] = WEIR_TRY(DecideLane(standing, job_store_.facts().instance,
                                          ContentNumber(manifest_), options_.choices));
  }
  return decisions;
}

Status Attempt::FenceLanes() {
  for (const auto& [sink, lane] : lanes_) {
    WEIR_TRY(WaitFor("sink '" + sink + "'", [&] { return lane->publisher().Fence(); }));
  }
  return Status::Ok();
}

Status Attempt::RecoverLane(const LaneStanding& standing, const LaneDecision& decision) {
  Lane& lane = *lanes_.at(standing.sink);
  if (!first_start_) {
    log::Info("lane recovered", {{"sink", standing.sink},
                                 {"lane", standing.lane},
                                 {"marker", standing.has_markers ? standing.marker.epoch.value
                                                                 : decision.publish_after.value},
                                 {"manifest", manifest_.number()},
                                 {"unpublished", standing.unpublished.size()}});
  }
  lane.SetStanding(standing.marker);
  for (const proto::LaneState& stored : manifest_.lanes()) {
    if (stored.sink() != standing.sink) continue;
    WEIR_TRY(lane.PublishNow(WEIR_TRY(LoadUnpublished(stored, decision.publish_after)),
                             manifest_checksum_, /*orphaned=*/true,
                             [this] { return !stop_asked_.load(); }));
  }
  if (decision.write_marker) {
    // Raised before the lane is used, and opened before a manifest names it (rule 15).
    WEIR_TRY(job_store_.RaiseLane(standing.sink, standing.lane));
    const LaneMarker marker{true, Epoch{ContentNumber(manifest_)}, job_store_.facts().instance,
                            manifest_checksum_};
    WEIR_TRY(WaitFor("sink '" + standing.sink + "'", [&] { return lane.Open(marker); }));
  }
  return lane.publisher().CleanUp();
}

/// Where a user has said so (`weir txn resolve --dead-letter`), records that the outside refuses go
/// over to the sink's dead letter, before anything is published: one manifest takes them out of the
/// one outbox and puts them into the other, under a number that no lane has published.
Status Attempt::SetRefusedAside(const std::map<std::string, LaneDecision>& decisions) {
  proto::Manifest next = manifest_;
  const Epoch number{manifest_.number() + 1};
  bool asked = false;
  std::map<const NodePlan*, std::unique_ptr<SinkWriter>> writers;
  for (proto::LaneState& lane : *next.mutable_lanes()) {
    const auto decision = decisions.find(lane.sink());
    if (!lane.set_refused_aside() || decision == decisions.end()) continue;
    asked = true;
    lane.clear_set_refused_aside();
    std::vector<SealedEpoch> sealed =
        WEIR_TRY(LoadUnpublished(lane, decision->second.publish_after));
    std::vector<RejectedRecord> refused;
    WEIR_TRY(WaitFor("sink '" + lane.sink() + "'", [&]() -> Status {
      refused = WEIR_TRY(lanes_.at(lane.sink())->publisher().TakeRefused(sealed));
      return Status::Ok();
    }));
    lane.clear_unpublished();
    for (const SealedEpoch& epoch : sealed) {
      proto::OutboxEpoch& stored = *lane.add_unpublished();
      stored.set_epoch(epoch.epoch.value);
      for (const SealedPart& part : epoch.parts) {
        *stored.add_parts() = WEIR_TRY(StoreOutbox(*store_, part));
      }
    }
    log::Warn("records that are refused go to the dead letter",
              {{"sink", lane.sink()}, {"records", refused.size()}});
    if (refused.empty()) continue;
    const Result<const NodePlan*> found = DeadLetterOf(lane.sink());
    if (!found.ok()) return CannotPublish(lane.sink(), found.status());
    const NodePlan& letters = **found;
    auto& writer = writers[&letters];
    if (!writer) writer = WEIR_TRY(letters.sink->MakeWriter(Context(16 << 20), 0));
    std::vector<Rejection> too_much;
    WEIR_TRY(writer->Write(*DeadLettersOfRecords(lane.sink(), refused, clock_.Now()), too_much));
    if (!too_much.empty()) {
      return Status(*too_much.front().code,
                    fmt::format("the dead letter '{}' does not take a record that sink '{}' "
                                "refused: {}",
                                letters.user_name, lane.sink(), too_much.front().reason),
                    "raise the limits of the dead letter's topic, and run the job again");
    }
    (*next.mutable_totals()->mutable_values())[lane.sink() + ".set_aside"] +=
        static_cast<int64_t>(refused.size());
  }
  if (!asked) return Status::Ok();
  for (const auto& [letters, writer] : writers) {
    const SealedPart part = WEIR_TRY(writer->Seal(number, /*last=*/true));
    if (part.bytes.empty()) continue;  // They have left already.
    proto::LaneState* lane = nullptr;
    for (proto::LaneState& there : *next.mutable_lanes()) {
      if (there.sink() == letters->user_name) lane = &there;
    }
    if (lane == nullptr) {
      lane = next.add_lanes();
      lane->set_sink(letters->user_name);
    }
    proto::OutboxEpoch& stored = *lane->add_unpublished();
    stored.set_epoch(number.value);
    *stored.add_parts() = WEIR_TRY(StoreOutbox(*store_, part));
  }
  next.set_content_number(0);
  WEIR_TRY(Commit(next));
  (void)WEIR_FAILPOINT("engine.recovery.set_aside");
  return Status::Ok();
}

/// The node that takes the dead letters of a sink.
Result<const NodePlan*> Attempt::DeadLetterOf(const std::string& sink) const {
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSink || node.user_name != sink) continue;
    if (node.on_error.action != ErrorPolicy::Action::kDeadLetter) continue;
    return &plan_.nodes[static_cast<size_t>(node.on_error.dead_letter)];
  }
  return Status(errors::kNoDeadLetter,
                fmt::format("sink '{}' has no dead letter for the records that it refuses", sink),
                fmt::format("give it one in the job file (on_error: {{ dead_letter: … }}) and run "
                            "the job again, or give its waiting results up with 'weir txn resolve "
                            "{} --sink {} --drop'",
                            plan_.name, sink));
}

/// Notes whose results could not be published, for the command that a stop prints.
Status Attempt::CannotPublish(const std::string& sink, Status reason) {
  std::lock_guard lock(mutex_);
  shown_.failed_sink = sink;
  return reason;
}

}  // namespace weir
