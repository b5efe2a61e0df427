#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/rpc/cluster_streams.h"
#include "daemon/rpc/credentials.h"
#include "engine/task_host.h"

namespace weir {

/// Another worker's part of the attempt that is led here. Its end of the stream is a HostStream.
class RemoteHost final : public TaskHost {
 public:
  struct Peer {
    std::string worker;
    std::string address;
  };
  /// `listener` outlives the host. `offer` is what the deployment says beside what the engine
  /// fills in: the job's text, parallelism, plan digest and workers. `cancelled` is asked while
  /// Deploy waits.
  RemoteHost(Peer peer, const Transport& transport, proto::Deploy offer, HostListener& listener,
             std::function<bool()> cancelled);
  ~RemoteHost() override;

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
  void OnEvent(proto::HostEvent event);
  void OnHostFailed(const proto::HostFailed& failed);
  void OnEnd(Status status);

  const Peer peer_;
  const Transport transport_;
  proto::Deploy offer_;
  HostListener& listener_;
  const std::function<bool()> cancelled_;
  uint32_t host_ = 0;   ///< Its number among the attempt's hosts; from Deploy on.
  uint32_t hosts_ = 0;  ///< How many there are.
  std::unique_ptr<MessageSender<proto::HostCommand>> stream_;  ///< From Deploy on.

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  bool ending_ = false;  ///< End was called: nothing is told to the listener any more.
  bool over_ = false;    ///< The stream has ended.
  Status failure_;       ///< What ended the part, if it was not End.
  std::vector<TaskProgress> progress_;
};

}  // namespace weir
