#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "daemon/rpc/credentials.h"
#include "daemon/rpc/exchange_client.h"
#include "daemon/rpc/exchange_server.h"
#include "daemon/worker/attempt_registry.h"
#include "engine/plan.h"
#include "state/checkpoint_store.h"

namespace weir {

/// What all attempts of a worker share. Everything pointed to outlives them.
struct WorkerServices {
  std::string id;
  std::string state_dir;
  size_t memory_per_slot = 256 << 20;  ///< Of state and source buffers.
  const Programs* programs = nullptr;  ///< That jobs may call.
  const Clock* clock = nullptr;
  AttemptRegistry* registry = nullptr;
  ExchangeClient* client = nullptr;
  ExchangeServer* server = nullptr;
  Transport transport = Transport::Plain();
  /// Plans a job's text with this worker's own connections, at a parallelism that stands above what
  /// the text says.
  std::function<Result<JobPlan>(const std::string& text, uint32_t parallelism)> plan;
  std::function<Result<std::unique_ptr<CheckpointStore>>(const std::string& job, StoreUse use)>
      open_store;
  /// As AttemptSite::OpenSavepoint, on behalf of `job`.
  std::function<Result<std::unique_ptr<CheckpointStore>>(const std::string& job,
                                                         const std::string& address)>
      open_savepoint;

  std::string JobDirectory(const std::string& job) const { return state_dir + "/" + job; }
};

}  // namespace weir
