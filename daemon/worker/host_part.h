#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/worker/attempt_wires.h"
#include "daemon/worker/services.h"
#include "engine/local_host.h"

namespace weir {

/// This worker's part of an attempt, for a lead here or elsewhere: its tasks, with the channels to
/// the other workers, in place of whatever an older attempt of the job has here.
class HostPart final : public TaskHost {
 public:
  /// All borrowed; outlive the part. `addresses` are those of the attempt's hosts, in order.
  HostPart(const WorkerServices& services, const JobPlan& plan, AttemptId attempt,
           std::vector<std::string> addresses, uint32_t slots, CheckpointStore& store,
           HostListener& listener);
  ~HostPart() override;

  Status Deploy(Deployment deployment) override;
  void Start() override { local_.Start(); }
  void Trigger(const Barrier& barrier) override { local_.Trigger(barrier); }
  void Committed(const BarrierId& id) override { local_.Committed(id); }
  void Dropped(const BarrierId& id) override { local_.Dropped(id); }
  void Publish(const std::string& sink, Epoch epoch, const std::string& manifest_checksum,
               const std::vector<proto::OutboxPart>& letters) override {
    local_.Publish(sink, epoch, manifest_checksum, letters);
  }
  void AddSplit(const std::string& source, const Split& split) override {
    local_.AddSplit(source, split);
  }
  void SetWatermarkCap(const std::string& source, const Watermark& cap) override {
    local_.SetWatermarkCap(source, cap);
  }
  void EndInput() override { local_.EndInput(); }
  std::vector<TaskProgress> Progress() const override { return local_.Progress(); }
  void End() override;

 private:
  void Broken(Status reason, const std::string& channel);

  const WorkerServices& services_;
  const std::string job_;
  const AttemptId attempt_;
  HostListener& listener_;
  AttemptWires wires_;
  LocalHost local_;
  uint32_t host_ = 0;  ///< Its number, from Deploy on.
  bool entered_ = false;
};

}  // namespace weir
