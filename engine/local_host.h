#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/background.h"
#include "engine/channel.h"
#include "engine/lane.h"
#include "engine/task.h"
#include "engine/task_host.h"
#include "operators/program.h"
#include "state/checkpoint_store.h"

namespace weir {

/// What a process gives the tasks of one attempt.
struct LocalHostOptions {
  std::string live_directory;          ///< Live state lies here, in a folder for each task.
  size_t memory_bytes = 512 << 20;     ///< Of state and source buffers, over all tasks.
  const Programs* programs = nullptr;  ///< That steps may call; outlive the host.
};

/// Ok while the attempt still stands at the store; otherwise why it does not. `known` is the newest
/// manifest that is known to be the attempt's.
Status AttemptStands(const CheckpointStore& store, const std::string& instance,
                     const AttemptId& attempt, uint64_t known);

/// What connectors are given.
ConnectorContext MakeConnectorContext(const JobPlan& plan, const std::string& instance,
                                      EventTime job_started, const Clock& clock,
                                      CheckpointStore& store, size_t memory);

/// The tasks and lanes of an attempt in this process.
class LocalHost final : public TaskHost, private TaskListener {
 public:
  /// All borrowed; outlive the host. `wires` may be null where all tasks are here.
  LocalHost(const JobPlan& plan, LocalHostOptions options, const Clock& clock,
            CheckpointStore& store, HostListener& listener, Wires* wires);
  ~LocalHost() override;

  Status Deploy(Deployment deployment) override;
  void Start() override;
  void Trigger(const Barrier& barrier) override;
  void Committed(const BarrierId& id) override;
  void Dropped(const BarrierId& id) override;
  void Publish(const std::string& sink, Epoch epoch, const std::string& manifest_checksum,
               const std::vector<proto::OutboxPart>& letters) override;
  void AddSplit(const std::string& source, const Split& split) override;
  void SetWatermarkCap(const std::string& source, const Watermark& cap) override;
  void EndInput() override;
  std::vector<TaskProgress> Progress() const override;
  void End() override;

 private:
  struct Inputs;
  Status MakeLanes();
  Status MakeTasks();
  Status MakeTask(size_t fragment, uint32_t index, Inputs& inputs);
  std::vector<proto::TaskCheckpoint> KeptFor(const FragmentPlan& fragment) const;
  std::vector<std::unique_ptr<ExchangeSender>> MakeSenders(size_t fragment, uint32_t index,
                                                           Inputs& inputs);
  ConnectorContext Context(size_t memory) const;
  bool IsHere(uint32_t index) const { return deployed_.host_of[index] == deployed_.host; }

  void OnAck(TaskAck ack, SealedParts parts) override;
  void OnAckFailed(TaskId task, BarrierId id, Status reason) override;
  void OnInputEnded(TaskId task) override;
  void OnFailed(TaskId task, Status reason) override;
  void OnPressure() override;

  const JobPlan& plan_;
  const LocalHostOptions options_;
  const Clock& clock_;
  CheckpointStore& store_;
  HostListener& listener_;
  Wires* const wires_;
  DeadLetters letters_;
  Deployment deployed_;
  std::atomic<int64_t> unpublished_bytes_{0};
  std::atomic<uint64_t> known_number_{0};  ///< Newest manifest that is known to be the attempt's.
  std::map<std::string, std::unique_ptr<Lane>> lanes_;  ///< By sink.
  std::unique_ptr<Background> background_;
  std::vector<std::unique_ptr<Task>> tasks_;

  /// What tasks sealed and the driver has not told the fate of, by try and sink.
  std::mutex sealed_mutex_;
  std::map<BarrierId, std::map<std::string, std::map<TaskId, std::vector<SealedPart>>>> sealed_;
};

}  // namespace weir
