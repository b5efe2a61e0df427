#pragma once

#include <string>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {

/// Where a command looks for a job's checkpoints: in a state directory, or the store that a
/// process's file names, where `weir run` keeps them; or at a manager, whose workers know the way.
struct HomeArguments {
  StoreArguments store;
  ClientArguments client;
};
/// The job's name, what names either place, and --output.
void AddHomeArguments(CLI::App& app, HomeArguments& arguments);

/// Where a command looks, as its flags say; where they say nothing, this folder's weir-state if it
/// has the job, else the manager that other commands ask. Flags of both are refused.
class CheckpointHome {
 public:
  /// `app`: the command that was parsed.
  static Result<CheckpointHome> Of(const CLI::App& app, const HomeArguments& arguments);

  bool is_cluster() const { return is_cluster_; }
  /// The manager's answer under the job's path, `/checkpoints` for one.
  Result<nlohmann::ordered_json> Get(const std::string& path) const;
  Result<nlohmann::ordered_json> Post(const std::string& path,
                                      const nlohmann::ordered_json& body) const;

 private:
  CheckpointHome(const HomeArguments& arguments, bool is_cluster, bool is_said)
      : arguments_(arguments), is_cluster_(is_cluster), is_said_(is_said) {}
  Result<nlohmann::ordered_json> Hinted(Result<nlohmann::ordered_json> answer) const;
  std::string PathOf(const std::string& path) const;

  const HomeArguments& arguments_;
  const bool is_cluster_;
  const bool is_said_;  ///< By a flag.
};

}  // namespace weir
