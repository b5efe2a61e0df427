#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/attempt.h"
#include "engine/background.h"
#include "engine/errors.h"
#include "engine/local_host.h"
#include "engine/recovery.h"
#include "engine/set_aside.h"
#include "engine/stored_outbox.h"

/// What an attempt does with the lanes of its sinks before tasks start.
namespace weir {
namespace {

constexpr size_t kLanesAtOnce = 8;

/// What waits for a lane under the number that `manifest` gets when it is committed.
proto::OutboxEpoch& WaitingOf(proto::Manifest& manifest, const LaneId& id) {
  proto::LaneState* lane = nullptr;
  for (proto::LaneState& there : *manifest.mutable_lanes()) {
    if (there.sink() == id.sink && there.lane() == id.number) lane = &there;
  }
  if (lane == nullptr) {
    lane = manifest.add_lanes();
    lane->set_sink(id.sink);
    lane->set_lane(id.number);
  }
  const uint64_t number = manifest.number() + 1;
  if (lane->unpublished().empty() || lane->unpublished().rbegin()->epoch() != number) {
    lane->add_unpublished()->set_epoch(number);
  }
  return *lane->mutable_unpublished()->rbegin();
}

}  // namespace

Result<std::vector<SealedEpoch>> Attempt::LoadUnpublished(const proto::LaneState& lane,
                                                          Epoch after) {
  std::vector<SealedEpoch> sealed;
  for (const proto::OutboxEpoch& epoch : lane.unpublished()) {
    if (epoch.epoch() <= after.value) continue;
    SealedEpoch loaded{Epoch{epoch.epoch()}, {}};
    for (const proto::OutboxPart& part : epoch.parts()) {
      if (WEIR_MUTANT("gone_tasks_outbox_forgotten") && loaded.parts.size() >= WidthOf(plan_))
        break;
      loaded.parts.push_back(WEIR_TRY(OpenOutbox(*store_, part)));
    }
    sealed.push_back(std::move(loaded));
  }
  return sealed;
}

/// All lanes that were ever opened, and those that this attempt is to have (rule 16).
Status Attempt::MakeLanes() {
  std::set<LaneId> lanes = lanes_wanted_;
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSink || !node.sink->Publishes()) continue;
    const auto highest = manifest_.highest_lane().find(node.user_name);
    if (highest == manifest_.highest_lane().end() || WEIR_MUTANT("only_present_lanes")) continue;
    for (uint32_t number = 0; number <= highest->second; number++) {
      lanes.insert({node.user_name, number});
    }
  }
  for (const NodePlan& node : plan_.nodes) {
    if (node.role != NodePlan::Role::kSink) continue;
    for (auto id = lanes.lower_bound({node.user_name, 0});
         id != lanes.end() && id->sink == node.user_name; ++id) {
      if (lanes_.contains(*id)) continue;
      std::unique_ptr<SinkPublisher> publisher =
          WEIR_TRY(node.sink->MakePublisher(Context(16 << 20), id->number));
      lanes_[*id] = std::make_unique<Lane>(
          *id, site_.instance(), node.sink->HasMarkers(), std::move(publisher), *store_,
          unpublished_bytes_,
          Lane::Listener{nullptr, nullptr, [this] { return Stands(); },
                         [this, &node](const LaneId& lane, Epoch epoch,
                                       const std::vector<RejectedRecord>& refused) {
                           return SetRecordsAside(plan_, node, refused, Context(16 << 20), epoch,
                                                  lane.number);
                         }});
    }
  }
  return Status::Ok();
}

/// Several at a time: an answer takes round trips to the broker, and there is a lane for each
/// worker and sink. The first error in the order of the lanes.
Status Attempt::AskLanes(const std::function<Status(const LaneId&, Lane&)>& ask) {
  std::vector<Status> answers(lanes_.size());
  {
    Background asking(std::clamp<size_t>(lanes_.size(), 1, kLanesAtOnce));
    size_t number = 0;
    for (const auto& [id, lane] : lanes_) {
      asking.Run(
          [&ask, &id = id, &to = *lane, &answer = answers[number++]] { answer = ask(id, to); });
    }
  }
  for (Status& answer : answers) WEIR_TRY(std::move(answer));
  return Status::Ok();
}

Result<std::map<LaneId, LaneStanding>> Attempt::ReadLanes() {
  std::map<LaneId, LaneStanding> standings;
  for (const auto& [id, lane] : lanes_) {
    LaneStanding& standing = standings[id];
    standing.lane = id;
    standing.has_markers = lane->has_markers();
    const auto highest = manifest_.highest_lane().find(id.sink);
    standing.opened_before =
        highest != manifest_.highest_lane().end() && id.number <= highest->second;
    for (const proto::LaneState& stored : manifest_.lanes()) {
      if (stored.sink() != id.sink || stored.lane() != id.number) continue;
      for (const proto::OutboxEpoch& epoch : stored.unpublished()) {
        standing.unpublished.push_back(Epoch{epoch.epoch()});
      }
    }
  }
  WEIR_TRY(AskLanes([&](const LaneId& id, Lane& lane) -> Status {
    LaneStanding& standing = standings.at(id);
    if (!standing.has_markers) {
      standing.publishing_begun = WEIR_TRY(store_->ReadPublishing(id.ToString()));
      return Status::Ok();
    }
    return WaitFor("the marker of sink '" + id.sink + "'", [&]() -> Status {
      standing.marker = WEIR_TRY(lane.publisher().ReadMarker());
      return Status::Ok();
    });
  }));
  return standings;
}

Result<std::map<LaneId, LaneDecision>> Attempt::DecideLanes(
    const std::map<LaneId, LaneStanding>& standings) const {
  std::map<LaneId, LaneDecision> decisions;
  const MarkerOwners owners{site_.instance(), manifest_.heir_of()};
  for (const auto& [id, standing] : standings) {
    decisions[id] =
        WEIR_TRY(DecideLane(standing, owners, ContentNumber(manifest_), options_.choices));
  }
  return decisions;
}

Status Attempt::FenceLanes() {
  return AskLanes([this](const LaneId& id, Lane& lane) {
    return WaitFor("sink '" + id.sink + "'", [&] { return lane.publisher().Fence(); });
  });
}

Status Attempt::RecoverLane(const LaneId& id, const LaneStanding& standing,
                            const LaneDecision& decision) {
  Lane& lane = *lanes_.at(id);
  if (!first_start_) {
    log::Info("lane recovered", {{"sink", id.sink},
                                 {"lane", id.number},
                                 {"marker", standing.has_markers ? standing.marker.epoch.value
                                                                 : decision.publish_after.value},
                                 {"manifest", manifest_.number()},
                                 {"unpublished", standing.unpublished.size()}});
  }
  lane.SetStanding(standing.marker);
  for (const proto::LaneState& stored : manifest_.lanes()) {
    if (stored.sink() != id.sink || stored.lane() != id.number) continue;
    WEIR_TRY(lane.PublishNow(WEIR_TRY(LoadUnpublished(stored, decision.publish_after)),
                             manifest_checksum_, /*orphaned=*/true,
                             [this] { return !stop_asked_.load(); }));
    set_aside_[id] = lane.TakeSetAside();
  }
  if (decision.write_marker) {
    // Raised before the lane is used, and opened before a manifest names it (rule 15).
    WEIR_TRY(site_.RaiseLane(id));
    const LaneMarker marker{true, Epoch{ContentNumber(manifest_)}, site_.instance(),
                            manifest_checksum_};
    WEIR_TRY(WaitFor("sink '" + id.sink + "'", [&] { return lane.Open(marker); }));
  }
  return Status::Ok();
}

/// What the outside has refused of what recovery published goes to the dead letters: one manifest
/// says that nothing waits any more but these letters, under a number that no lane has published;
/// then they are published.
Status Attempt::PublishLetters() {
  proto::Manifest next = manifest_;
  for (proto::LaneState& lane : *next.mutable_lanes()) lane.clear_unpublished();
  int64_t records = 0;
  std::set<LaneId> waiting;
  for (auto& [id, aside] : std::exchange(set_aside_, {})) {
    if (aside.records == 0) continue;
    records += aside.records;
    (*next.mutable_totals()->mutable_values())[id.sink + ".set_aside"] += aside.records;
    if (!aside.letters) continue;
    waiting.insert({aside.dead_letter, id.number});
    *WaitingOf(next, {aside.dead_letter, id.number}).add_parts() = std::move(*aside.letters);
  }
  if (records == 0) return Status::Ok();
  next.set_content_number(0);
  WEIR_TRY(Commit(next));
  (void)WEIR_FAILPOINT("engine.recovery.letters");
  for (const proto::LaneState& lane : manifest_.lanes()) {
    const LaneId id{lane.sink(), lane.lane()};
    if (!waiting.contains(id)) continue;
    Status status =
        lanes_.at(id)->PublishNow(WEIR_TRY(LoadUnpublished(lane, Epoch{0})), manifest_checksum_,
                                  /*orphaned=*/true, [this] { return !stop_asked_.load(); });
    if (!status.ok()) return CannotPublish(id, std::move(status));
  }
  return Status::Ok();
}

/// Where a user has said so (`weir txn resolve --dead-letter`), records that the outside refuses go
/// over to the sink's dead letter, before anything is published: one manifest takes them out of the
/// one outbox and puts them into the other, under a number that no lane has published.
Status Attempt::SetRefusedAside(const std::map<LaneId, LaneDecision>& decisions) {
  proto::Manifest next = manifest_;
  const Epoch number{manifest_.number() + 1};
  bool asked = false;
  std::map<const NodePlan*, std::unique_ptr<SinkWriter>> writers;
  for (proto::LaneState& lane : *next.mutable_lanes()) {
    const LaneId id{lane.sink(), lane.lane()};
    const auto decision = decisions.find(id);
    if (!lane.set_refused_aside() || decision == decisions.end()) continue;
    asked = true;
    lane.clear_set_refused_aside();
    std::vector<SealedEpoch> sealed =
        WEIR_TRY(LoadUnpublished(lane, decision->second.publish_after));
    std::vector<RejectedRecord> refused;
    WEIR_TRY(WaitFor("sink '" + lane.sink() + "'", [&]() -> Status {
      refused = WEIR_TRY(lanes_.at(id)->publisher().TakeRefused(sealed));
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
    if (!found.ok()) return CannotPublish(id, found.status());
    const NodePlan& letters = **found;
    auto& writer = writers[&letters];
    if (!writer) writer = WEIR_TRY(letters.sink->MakeWriter(Context(16 << 20), 0));
    WEIR_TRY(WriteLetters(plan_, lane.sink(), letters, refused, clock_, *writer));
    (*next.mutable_totals()->mutable_values())[lane.sink() + ".set_aside"] +=
        static_cast<int64_t>(refused.size());
  }
  if (!asked) return Status::Ok();
  for (const auto& [letters, writer] : writers) {
    const SealedPart part = WEIR_TRY(writer->Seal(number, /*last=*/true));
    if (part.bytes.empty()) continue;  // They have left already.
    *WaitingOf(next, {letters->user_name, 0}).add_parts() = WEIR_TRY(StoreOutbox(*store_, part));
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
Status Attempt::CannotPublish(const LaneId& lane, Status reason) {
  std::lock_guard lock(mutex_);
  shown_.failed_sink = lane.sink;
  return reason;
}

}  // namespace weir
