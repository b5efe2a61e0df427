#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/rpc/cluster_streams.h"
#include "daemon/worker/host_part.h"
#include "daemon/worker/services.h"

namespace weir {

/// The other end of a RemoteHost: carries out what a lead elsewhere asks of this worker, on a
/// thread of its own, and tells it what becomes of it. Ends with the stream, or with its part.
class HostStream final : public HostListener {
 public:
  /// `services` outlive the stream.
  HostStream(const WorkerServices& services,
             std::shared_ptr<MessageSender<proto::HostEvent>> sender);
  /// Ends the part first.
  ~HostStream() override;

  /// For the stream's handler.
  void OnCommand(proto::HostCommand command);
  void OnEnd();
  /// At the plan of the part, once it has one. Thread safe.
  void Look(const std::function<void(const JobPlan&)>& look) const;
  /// Nothing is left of it: it can be destroyed without waiting.
  bool over() const { return over_; }

 private:
  void Run();
  Status Carry(proto::HostCommand& command);
  Status Deploy(proto::Deploy& deploy);
  void SendGauges();
  void Send(proto::HostEvent event) { sender_->Send(std::move(event)); }

  void OnAck(TaskAck ack) override;
  void OnAckFailed(TaskId task, BarrierId id, Status reason) override;
  void OnInputEnded(TaskId task) override;
  void OnPressure() override;
  void OnPublished(LaneId lane, Epoch epoch, SetAside set_aside) override;
  void OnLaneFailed(LaneId lane, Status reason) override;
  void OnFailed(Status reason) override;
  void OnApart(HostPair hosts, Status reason) override;
  void Fail(proto::HostFailed failed, const Status& reason);

  const WorkerServices& services_;
  const std::shared_ptr<MessageSender<proto::HostEvent>> sender_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<proto::HostCommand> commands_;
  bool ending_ = false;
  std::atomic<bool> over_{false};

  // Of the thread, but that others may look at the plan under mutex_.
  std::optional<JobPlan> plan_;  // Set once, then constant.
  std::unique_ptr<CheckpointStore> store_;
  std::unique_ptr<HostPart> part_;
  bool started_ = false;
  std::thread thread_;
};

/// A digest of all that hosts of an attempt must agree on in its plan.
std::string DigestOf(const JobPlan& plan);

}  // namespace weir
