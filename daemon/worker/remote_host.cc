#include "daemon/worker/remote_host.h"

#include <chrono>

#include <fmt/format.h>

#include "daemon/rpc/errors.h"
#include "daemon/rpc/wire.h"
#include "daemon/worker/errors.h"

namespace weir {

RemoteHost::RemoteHost(Peer peer, const Transport& transport, proto::Deploy offer,
                       HostListener& listener, std::function<bool()> cancelled)
    : peer_(std::move(peer)),
      transport_(transport),
      offer_(std::move(offer)),
      listener_(listener),
      cancelled_(std::move(cancelled)) {}

RemoteHost::~RemoteHost() { End(); }

Status RemoteHost::Deploy(Deployment deployment) {
  host_ = deployment.host;
  hosts_ = static_cast<uint32_t>(offer_.workers_size());
  proto::HostCommand command;
  proto::Deploy& deploy = *command.mutable_deploy();
  deploy = std::move(offer_);
  deploy.set_instance(deployment.instance);
  *deploy.mutable_base() = std::move(deployment.base);
  deploy.set_host(host_);
  for (const std::string& source : deployment.growing) deploy.add_growing(source);
  for (const auto& [sink, marker] : deployment.lanes) *deploy.add_lanes() = ToProto(sink, marker);
  stream_ = DialHost(peer_.address, transport_,
                     {[this](proto::HostEvent event) { OnEvent(std::move(event)); },
                      [this](Status status) { OnEnd(std::move(status)); }});
  stream_->Send(std::move(command));
  std::unique_lock lock(mutex_);
  while (!ready_ && !over_ && failure_.ok()) {
    if (cancelled_()) return Status(errors::kAttemptCancelled, "the attempt was cancelled");
    changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
  return failure_;
}

void RemoteHost::Start() {
  proto::HostCommand command;
  command.mutable_start();
  stream_->Send(std::move(command));
}

void RemoteHost::Trigger(const Barrier& barrier) {
  proto::HostCommand command;
  *command.mutable_trigger()->mutable_id() = ToProto(barrier.id);
  command.mutable_trigger()->set_last(barrier.last);
  stream_->Send(std::move(command));
}

void RemoteHost::Committed(const BarrierId& id) {
  proto::HostCommand command;
  *command.mutable_committed() = ToProto(id);
  stream_->Send(std::move(command));
}

void RemoteHost::Dropped(const BarrierId& id) {
  proto::HostCommand command;
  *command.mutable_dropped() = ToProto(id);
  stream_->Send(std::move(command));
}

void RemoteHost::Publish(const std::string& sink, Epoch epoch, const std::string& manifest_checksum,
                         const std::vector<proto::OutboxPart>& letters) {
  proto::HostCommand command;
  command.mutable_publish()->set_sink(sink);
  command.mutable_publish()->set_epoch(epoch.value);
  command.mutable_publish()->set_manifest_checksum(manifest_checksum);
  for (const proto::OutboxPart& part : letters) *command.mutable_publish()->add_letters() = part;
  stream_->Send(std::move(command));
}

void RemoteHost::AddSplit(const std::string& source, const Split& split) {
  proto::HostCommand command;
  command.mutable_add_split()->set_source(source);
  *command.mutable_add_split()->mutable_split() = ToProto(split);
  stream_->Send(std::move(command));
}

void RemoteHost::SetWatermarkCap(const std::string& source, const Watermark& cap) {
  proto::HostCommand command;
  command.mutable_cap()->set_source(source);
  *command.mutable_cap()->mutable_cap() = ToProto(cap);
  stream_->Send(std::move(command));
}

void RemoteHost::EndInput() {
  proto::HostCommand command;
  command.mutable_end_input();
  stream_->Send(std::move(command));
}

std::vector<TaskProgress> RemoteHost::Progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void RemoteHost::End() {
  if (!stream_) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  // The stream stays: commands of other threads may still come, and are dropped.
  proto::HostCommand command;
  command.mutable_end();
  stream_->Send(std::move(command));
  stream_->Close();
  // The other side ends the stream once nothing of the part is left. One that does not answer any
  // more is found out by the connection, and stops when it sees a newer attempt.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return over_; });
}

void RemoteHost::OnEvent(proto::HostEvent event) {
  {
    std::lock_guard lock(mutex_);
    if (ending_) return;
  }
  switch (event.what_case()) {
    case proto::HostEvent::kReady: {
      std::lock_guard lock(mutex_);
      ready_ = true;
      break;
    }
    case proto::HostEvent::kAck:
      listener_.OnAck(FromProto(std::move(*event.mutable_ack())));
      break;
    case proto::HostEvent::kAckFailed:
      listener_.OnAckFailed(
          FromProto(event.ack_failed().task()), FromProto(event.ack_failed().id()),
          FromProto(event.ack_failed().reason()).WithContext("worker " + peer_.worker));
      break;
    case proto::HostEvent::kInputEnded:
      listener_.OnInputEnded(FromProto(event.input_ended()));
      break;
    case proto::HostEvent::kPressure:
      listener_.OnPressure();
      break;
    case proto::HostEvent::kPublished:
      listener_.OnPublished({event.published().sink(), host_}, Epoch{event.published().epoch()},
                            FromProto(event.published().set_aside()));
      break;
    case proto::HostEvent::kLaneFailed:
      listener_.OnLaneFailed({event.lane_failed().sink(), host_},
                             FromProto(event.lane_failed().reason()));
      break;
    case proto::HostEvent::kFailed:
      OnHostFailed(event.failed());
      break;
    case proto::HostEvent::kGauges: {
      std::lock_guard lock(mutex_);
      progress_.clear();
      for (const proto::TaskGauges& task : event.gauges().tasks()) {
        progress_.push_back(FromProto(task));
      }
      break;
    }
    case proto::HostEvent::WHAT_NOT_SET:
      break;
  }
  changed_.notify_all();
}

void RemoteHost::OnHostFailed(const proto::HostFailed& failed) {
  Status reason = FromProto(failed.reason()).WithContext("worker " + peer_.worker);
  if (failed.has_apart_from() && failed.apart_from() < hosts_) {
    listener_.OnApart({host_, failed.apart_from()}, reason);
  } else {
    listener_.OnFailed(reason);
  }
  std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = std::move(reason);
}

void RemoteHost::OnEnd(Status status) {
  Status failure;
  {
    std::lock_guard lock(mutex_);
    if (!ending_ && failure_.ok()) {
      // Before it was ready there was no worker to be had there; after that one is lost.
      const std::string why = status.ok() ? "it has ended its part" : status.message();
      failure_ = ready_ ? Status(errors::kPeerLost,
                                 fmt::format("worker {} is lost: {}", peer_.worker, why))
                        : Status(errors::kWorkerUnreachable,
                                 fmt::format("worker {} at {} can't be reached: {}", peer_.worker,
                                             peer_.address, why),
                                 "see that workers can connect to each other's addresses");
      failure = failure_;
    }
  }
  // Without the mutex, which the listener asks for from its side; and before `over_`, after which
  // there may be no host and no listener any more.
  if (!failure.ok()) {
    if (status.Is(errors::kChannelBroken)) {
      listener_.OnApart({kLeadHost, host_}, std::move(failure));
    } else {
      listener_.OnFailed(std::move(failure));
    }
  }
  std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

}  // namespace weir
