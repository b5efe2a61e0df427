#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "config/process_spec.h"
#include "engine/plan.h"

namespace CLI {
class App;
}

namespace weir {

/// What configures a process on the command line: --config, and a flag for each key of its file.
class ProcessArguments {
 public:
  /// Adds the flags of `keys` to `app`; `WEIR_` variables count for all keys.
  void AddTo(CLI::App& app, const std::vector<std::string>& keys);
  /// File, then environment, then flags. Faults are the error, all of them.
  Result<ProcessSpec> Read() const;

 private:
  std::string config_;
  std::vector<std::pair<std::string, std::shared_ptr<std::string>>> flags_;
};

/// Waits for SIGTERM or SIGINT: blocks them at construction (before other threads are made, which
/// inherit that), and `Wait` returns at the first one. A second one ends the process at once.
class StopSignal {
 public:
  StopSignal();
  void Wait();
  bool asked() const;
};

/// Plans a job's text with the process's connections; `parallelism` above 0 stands above what the
/// text says.
Result<JobPlan> PlanText(const ProcessSpec& process, const std::string& text, uint32_t parallelism);

}  // namespace weir
