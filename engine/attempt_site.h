#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/ids.h"
#include "engine/task_host.h"
#include "state/checkpoint_store.h"

namespace weir {

/// What an attempt is given by the process that drives it: the job's facts, its store, and where
/// its tasks run. `weir run` gives its own directory and one host; a worker what the manager said.
/// Used by one thread.
class AttemptSite {
 public:
  virtual ~AttemptSite() = default;
  virtual Result<std::unique_ptr<CheckpointStore>> OpenStore() = 0;
  /// A savepoint, to be read, by a path or an s3:// address; with the store's own options there.
  virtual Result<std::unique_ptr<CheckpointStore>> OpenSavepoint(const std::string& address) = 0;
  /// The job's random id from its first start (rule 14).
  virtual const std::string& instance() const = 0;
  /// Whether the job has no attempts behind it, so that the checkpoints of another instance can
  /// only be its own from before its facts were lost.
  virtual bool MayAdopt() const = 0;
  virtual Status AdoptInstance(const std::string& instance) = 0;
  /// This attempt's id, durable, above `seen`, which the newest manifest is of.
  virtual Result<AttemptId> Begin(const AttemptId& seen) = 0;
  /// Durable before the lane is used (rule 15).
  virtual Status RaiseLane(const LaneId& lane) = 0;
  /// The host of the tasks of each index, for a plan of this width.
  virtual std::vector<uint32_t> HostOf(uint32_t width) const = 0;
  /// A host of this process can be handed publishers.
  virtual bool IsHere(uint32_t host) const = 0;
  virtual std::unique_ptr<TaskHost> MakeHost(uint32_t host, CheckpointStore& store,
                                             HostListener& listener) = 0;
};

}  // namespace weir
