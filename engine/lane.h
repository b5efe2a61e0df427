#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/failure_log.h"
#include "connectors/connector.h"
#include "engine/ids.h"
#include "engine/set_aside.h"
#include "state/checkpoint_store.h"

namespace weir {

/// The epochs of `sealed` that a lane's marker does not cover, in order. Pure.
std::vector<SealedEpoch> NotYetPublished(std::vector<SealedEpoch> sealed, const LaneMarker& marker);

/// A sink's place to publish from: a thread that makes sealed epochs visible one after the other,
/// in the order they were given.
///
/// An unknown outcome (kRetry) is never guessed: the lane fences itself anew, reads its marker, and
/// publishes what is short (protocol rule 18), for as long as it takes. Fenced by somebody else, it
/// does the same a few times, if its attempt stands and the marker is as this lane left it: a
/// broker that ended a transaction by its time-out says the same. Any other error ends it.
/// A lane that has published nothing for a day renews its marker, since brokers forget offsets
/// (rule 15).
class Lane {
 public:
  /// Called from the lane's thread.
  struct Listener {
    std::function<void(const LaneId& lane, Epoch epoch, SetAside set_aside)> published;
    std::function<void(const LaneId& lane, Status reason)> failed;
    /// Ok while the attempt still stands; otherwise why it does not. Asked before the lane takes
    /// its name at the outside, since that would throw out whoever took over (rules 3 and 18).
    std::function<Status()> stands;
    /// Deals with records that the outside refused when `epoch` was published.
    std::function<Result<SetAside>(const LaneId& lane, Epoch epoch,
                                   const std::vector<RejectedRecord>& refused)>
        refused;
  };
  /// `store` outlives the lane. `unpublished_bytes` is lowered by what was published.
  Lane(LaneId id, std::string instance, bool has_markers, std::unique_ptr<SinkPublisher> publisher,
       CheckpointStore& store, std::atomic<int64_t>& unpublished_bytes, Listener listener);
  ~Lane();

  /// For recovery, before Start: on the caller's thread.
  SinkPublisher& publisher() { return *publisher_; }
  bool has_markers() const { return has_markers_; }
  const LaneId& id() const { return id_; }
  /// Publishes what a manifest holds; asks again while the outside is away and `go_on` says so.
  /// What the outside refused of it is told by TakeSetAside.
  Status PublishNow(std::vector<SealedEpoch> sealed, const std::string& checksum, bool orphaned,
                    const std::function<bool()>& go_on);
  SetAside TakeSetAside() { return std::exchange(set_aside_, {}); }

  /// Opens the lane, or takes it over, by a marker alone. Asked again after an error, it fences
  /// first.
  Status Open(const LaneMarker& marker);
  /// For recovery: the marker as it was read after fencing.
  void SetStanding(LaneMarker marker) { standing_ = std::move(marker); }
  const LaneMarker& standing() const { return standing_; }
  /// Recovered elsewhere, in a process that has left the lane as `standing` says: it is fenced anew
  /// before anything else happens on it, and must be found so.
  void GoOnFrom(LaneMarker standing);
  /// Gives the publisher away, recovered and fenced; the lane is good for nothing then.
  std::unique_ptr<SinkPublisher> TakePublisher() { return std::move(publisher_); }
  void Start();
  void Enqueue(SealedEpoch sealed, std::string manifest_checksum);
  /// Ends the thread; what was not published stays in the manifests.
  void Stop();

 private:
  struct Item {
    SealedEpoch sealed;
    std::string checksum;
  };
  void Run();
  Status Renew();
  /// Hands on what the outside refused of what was just published.
  Status DealWithRefused(Epoch epoch);
  /// What it means that the marker is another's: this attempt is over, or an earlier one, frozen
  /// between asking whether it still stands and taking its name, has woken up and published what a
  /// manifest told it to. Then what is waiting has to be decided anew, by all of recovery.
  Status Overtaken() const;
  /// Fences anew after an unknown outcome and looks where the lane stands: only as this lane left
  /// it, or with `aim` on it, what it was about to do, may anything follow.
  Result<LaneMarker> Settle(const LaneMarker& aim);

  const LaneId id_;
  const std::string instance_;
  const bool has_markers_;
  std::unique_ptr<SinkPublisher> publisher_;
  CheckpointStore& store_;
  std::atomic<int64_t>& unpublished_bytes_;
  const Listener listener_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  LaneMarker standing_;  ///< As this lane last left it. Only of the lane's thread once it runs.
  FailureLog refused_{Duration::Minutes(1)};
  SetAside set_aside_;   ///< Of what was published last.
  bool settled_ = true;  ///< Nothing failed since the lane was fenced.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir
