#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connectors/connector.h"
#include "engine/coordinator.h"
#include "engine/element.h"
#include "engine/ids.h"
#include "engine/plan.h"
#include "proto/manifest.pb.h"

namespace weir {

/// Two hosts of an attempt, by their numbers.
using HostPair = std::pair<uint32_t, uint32_t>;
/// The host that is with the driver, where there are others.
inline constexpr uint32_t kLeadHost = 0;

/// What a host's tasks tell the driver of their attempt. Called from any of the host's threads;
/// must not block.
class HostListener {
 public:
  virtual ~HostListener() = default;
  virtual void OnAck(TaskAck ack) = 0;
  virtual void OnAckFailed(TaskId task, BarrierId id, Status reason) = 0;
  virtual void OnInputEnded(TaskId task) = 0;
  /// An outbox is large: a checkpoint should come soon (protocol rule 20).
  virtual void OnPressure() = 0;
  virtual void OnPublished(LaneId lane, Epoch epoch, SetAside set_aside) = 0;
  /// The lane's results can't be published.
  virtual void OnLaneFailed(LaneId lane, Status reason) = 0;
  /// A task, or the way to the host, can't go on: the attempt is over.
  virtual void OnFailed(Status reason) = 0;
  /// As OnFailed: the way between two of the attempt's hosts is gone, or can't be had.
  virtual void OnApart(HostPair hosts, Status reason) = 0;
};

/// How a running task stands.
struct TaskProgress {
  TaskId task;
  bool is_source = false;
  int64_t rows_in = 0;
  int64_t rows_out = 0;  ///< That its sinks took, dead letters left out.
  // Of its time since it began: at work, waiting for room downstream, and with nothing to do.
  int64_t busy_us = 0;
  int64_t blocked_us = 0;
  int64_t idle_us = 0;
  int64_t lag_records = -1;     ///< -1: not known.
  int64_t lag_us = -1;          ///< As SplitLag::since, of the oldest split; -1: not known.
  int64_t longest_hold_us = 0;  ///< Longest time a barrier held the task up.
  EventTime watermark = EventTime::Min();
  EventTime newest = EventTime::Min();  ///< Source tasks: newest event time read, where known.
  std::string holder;  ///< Source tasks: the split that holds the watermark back; may be empty.
  /// Source tasks: what the watermark would be if no new splits could appear.
  Watermark uncapped;
};

/// What a host begins its part of an attempt with.
struct Deployment {
  std::string instance;
  AttemptId attempt;
  proto::Manifest base;  ///< The attempt's own manifest: splits with positions, state of tasks.
  /// The host of the tasks of each index; as many as the widest fragment has tasks.
  std::vector<uint32_t> host_of;
  uint32_t host = 0;              ///< Which of them this is.
  std::set<std::string> growing;  ///< Sources in which new splits can appear.
  /// Sinks that this host publishes, and the marker that recovery has left on its lane.
  std::map<std::string, LaneMarker> lanes;
  /// Those of them that recovery hands over as they are, within its own process.
  std::map<std::string, std::unique_ptr<SinkPublisher>> publishers;
};

/// Tasks and lanes of one attempt that live in one place: in this process, or in another worker's.
/// Used once: Deploy, Start, then commands, End. Methods are thread safe; none but Deploy and End
/// waits.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  /// Restores the state of its tasks and makes everything ready to run.
  virtual Status Deploy(Deployment deployment) = 0;
  /// Rows may flow: all hosts of the attempt are ready.
  virtual void Start() = 0;
  /// Source tasks take their positions and send the barrier.
  virtual void Trigger(const Barrier& barrier) = 0;
  /// The checkpoint counts: what was sealed for it is forgotten.
  virtual void Committed(const BarrierId& id) = 0;
  /// The try is over: what was sealed for it goes into the next one (rule 5).
  virtual void Dropped(const BarrierId& id) = 0;
  /// The manifest is durable: publishes what its tasks sealed for `sink` in this epoch, and the
  /// letters of it that lie in the store.
  virtual void Publish(const std::string& sink, Epoch epoch, const std::string& manifest_checksum,
                       const std::vector<proto::OutboxPart>& letters) = 0;
  virtual void AddSplit(const std::string& source, const Split& split) = 0;
  /// Rule 27: the watermark of the source may not pass this.
  virtual void SetWatermarkCap(const std::string& source, const Watermark& cap) = 0;
  /// Source tasks read no more, and end as if there were no more to read.
  virtual void EndInput() = 0;
  virtual std::vector<TaskProgress> Progress() const = 0;
  /// Cancels what runs; returns when nothing of it is left.
  virtual void End() = 0;
};

/// The tasks of `host`, in the order of the plan.
std::vector<TaskId> TasksOf(const JobPlan& plan, const std::vector<uint32_t>& host_of,
                            uint32_t host);
/// All lanes that publish results of a plan that is spread so.
std::set<LaneId> LanesOf(const JobPlan& plan, const std::vector<uint32_t>& host_of);
/// How many tasks the widest fragment has.
uint32_t WidthOf(const JobPlan& plan);

}  // namespace weir
