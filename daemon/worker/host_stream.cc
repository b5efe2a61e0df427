#include "daemon/worker/host_stream.h"

#include <chrono>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/log.h"
#include "daemon/rpc/wire.h"
#include "daemon/worker/errors.h"
#include "engine/recovery.h"

namespace weir {
namespace {

constexpr std::chrono::milliseconds kGaugesEvery{100};

}  // namespace

std::string DigestOf(const JobPlan& plan) {
  std::string text = plan.Explain();
  for (const auto& [step, shape] : StateShapes(plan)) text += step + "=" + shape + "\n";
  for (const ExchangePlan& exchange : plan.exchanges) text += exchange.name + "\n";
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

HostStream::HostStream(const WorkerServices& services,
                       std::shared_ptr<MessageSender<proto::HostEvent>> sender)
    : services_(services), sender_(std::move(sender)) {
  thread_ = std::thread([this] { Run(); });
}

HostStream::~HostStream() {
  OnEnd();
  thread_.join();
}

void HostStream::OnCommand(proto::HostCommand command) {
  {
    std::lock_guard lock(mutex_);
    if (command.what_case() == proto::HostCommand::kEnd) ending_ = true;
    commands_.push_back(std::move(command));
  }
  wake_.notify_all();
}

void HostStream::OnEnd() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
}

void HostStream::Run() {
  std::optional<log::JobScope> about;  // From the deployment on.
  while (true) {
    std::deque<proto::HostCommand> commands;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kGaugesEvery, [this] { return ending_ || !commands_.empty(); });
      if (ending_) break;
      commands.swap(commands_);
    }
    Status status;
    for (proto::HostCommand& command : commands) {
      if (command.has_deploy()) about.emplace(command.deploy().attempt().job());
      status = Carry(command);
      if (!status.ok()) break;
    }
    if (!status.ok()) {
      OnFailed(std::move(status));
      break;
    }
    if (started_) SendGauges();
  }
  part_.reset();
  sender_->Close();
  over_ = true;
}

Status HostStream::Carry(proto::HostCommand& command) {
  if (command.what_case() == proto::HostCommand::kDeploy) {
    WEIR_TRY(Deploy(*command.mutable_deploy()));
    proto::HostEvent event;
    event.mutable_ready();
    Send(std::move(event));
    return Status::Ok();
  }
  if (!part_) return Status(errors::kPeerLost, "a command came before its deployment");
  switch (command.what_case()) {
    case proto::HostCommand::kStart:
      part_->Start();
      started_ = true;
      break;
    case proto::HostCommand::kTrigger:
      part_->Trigger({FromProto(command.trigger().id()), command.trigger().last()});
      break;
    case proto::HostCommand::kCommitted:
      part_->Committed(FromProto(command.committed()));
      break;
    case proto::HostCommand::kDropped:
      part_->Dropped(FromProto(command.dropped()));
      break;
    case proto::HostCommand::kPublish:
      part_->Publish(command.publish().sink(), Epoch{command.publish().epoch()},
                     command.publish().manifest_checksum(),
                     {command.publish().letters().begin(), command.publish().letters().end()});
      break;
    case proto::HostCommand::kAddSplit:
      part_->AddSplit(command.add_split().source(), FromProto(command.add_split().split()));
      break;
    case proto::HostCommand::kCap:
      part_->SetWatermarkCap(command.cap().source(), FromProto(command.cap().cap()));
      break;
    case proto::HostCommand::kEndInput:
      part_->EndInput();
      break;
    default:
      break;
  }
  return Status::Ok();
}

Status HostStream::Deploy(proto::Deploy& deploy) {
  const AttemptId attempt = IdOf(deploy.attempt());
  JobPlan plan = WEIR_TRY(services_.plan(deploy.text(), deploy.parallelism()));
  {
    std::lock_guard lock(mutex_);
    plan_ = std::move(plan);
  }
  if (DigestOf(*plan_) != deploy.plan_digest()) {
    return Status(errors::kOtherPlan,
                  fmt::format("worker {} plans job '{}' in another way than its lead does",
                              services_.id, plan_->name),
                  "see that the connections in weir.yaml are the same on all workers");
  }
  store_ = WEIR_TRY(services_.open_store(plan_->name, StoreUse::kRun));
  // What the lead has just written must be there: otherwise its checkpoints and this worker's files
  // would lie in different places, and nobody could go on from them.
  const Result<StoredManifest> base = store_->ReadManifest(deploy.base().number());
  if (!base.ok() || base->checksum != CheckpointStore::ChecksumOf(deploy.base())) {
    return Status(
        errors::kOtherStore,
        fmt::format("worker {} keeps checkpoints in {}, and manifest {} of its lead is not "
                    "there",
                    services_.id, store_->location(), deploy.base().number()),
        "all workers must have the same `checkpoint_store`: a directory that all of them "
        "see, or a bucket");
  }
  std::vector<std::string> addresses;
  for (const proto::PlacedWorker& worker : deploy.workers()) addresses.push_back(worker.address());
  Deployment deployment;
  deployment.instance = deploy.instance();
  deployment.attempt = attempt;
  deployment.base = std::move(*deploy.mutable_base());
  deployment.host_of.assign(deploy.worker_of().begin(), deploy.worker_of().end());
  deployment.host = deploy.host();
  deployment.growing.insert(deploy.growing().begin(), deploy.growing().end());
  for (const proto::LaneStart& lane : deploy.lanes()) {
    deployment.lanes[lane.sink()] = FromProto(lane);
  }
  const auto slots = static_cast<uint32_t>(
      std::count(deployment.host_of.begin(), deployment.host_of.end(), deployment.host));
  part_ = std::make_unique<HostPart>(services_, *plan_, attempt, std::move(addresses), slots,
                                     *store_, *this);
  return part_->Deploy(std::move(deployment));
}

void HostStream::Look(const std::function<void(const JobPlan&)>& look) const {
  std::lock_guard lock(mutex_);
  if (plan_ && !over_) look(*plan_);
}

void HostStream::SendGauges() {
  proto::HostEvent event;
  for (const TaskProgress& task : part_->Progress()) {
    *event.mutable_gauges()->add_tasks() = ToProto(task);
  }
  Send(std::move(event));
}

void HostStream::OnAck(TaskAck ack) {
  proto::HostEvent event;
  *event.mutable_ack() = ToProto(std::move(ack));
  Send(std::move(event));
}

void HostStream::OnAckFailed(TaskId task, BarrierId id, Status reason) {
  proto::HostEvent event;
  proto::AckFailed& failed = *event.mutable_ack_failed();
  *failed.mutable_task() = ToProto(task);
  *failed.mutable_id() = ToProto(id);
  *failed.mutable_reason() = ToProto(reason);
  Send(std::move(event));
}

void HostStream::OnInputEnded(TaskId task) {
  proto::HostEvent event;
  *event.mutable_input_ended() = ToProto(task);
  Send(std::move(event));
}

void HostStream::OnPressure() {
  proto::HostEvent event;
  event.mutable_pressure();
  Send(std::move(event));
}

void HostStream::OnPublished(LaneId lane, Epoch epoch, SetAside set_aside) {
  proto::HostEvent event;
  event.mutable_published()->set_sink(lane.sink);
  event.mutable_published()->set_epoch(epoch.value);
  if (set_aside.records > 0) *event.mutable_published()->mutable_set_aside() = ToProto(set_aside);
  Send(std::move(event));
}

void HostStream::OnLaneFailed(LaneId lane, Status reason) {
  proto::HostEvent event;
  event.mutable_lane_failed()->set_sink(lane.sink);
  *event.mutable_lane_failed()->mutable_reason() = ToProto(reason);
  Send(std::move(event));
}

void HostStream::OnFailed(Status reason) { Fail({}, reason); }

void HostStream::OnApart(HostPair hosts, Status reason) {
  proto::HostFailed failed;
  failed.set_apart_from(hosts.second);
  Fail(std::move(failed), reason);
}

/// Told to the lead, if there still is one; the part ends in any case.
void HostStream::Fail(proto::HostFailed failed, const Status& reason) {
  log::Warn("a part of an attempt fails", {{"reason", reason.ToString()}});
  proto::HostEvent event;
  *failed.mutable_reason() = ToProto(reason);
  *event.mutable_failed() = std::move(failed);
  Send(std::move(event));
  OnEnd();
}

}  // namespace weir
