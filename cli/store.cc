#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/errors.h"
#include "config/process_spec.h"
#include "engine/planner.h"

namespace weir {

void AddStoreArguments(CLI::App& app, StoreArguments& arguments) {
  app.add_option("job", arguments.job, "Name of the job.")->required()->type_name("JOB");
  app.add_option("--state-dir", arguments.state_dir, "Where its state lies, and its checkpoints.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--config", arguments.config,
                 "The process's own file, where checkpoints are kept as its checkpoint_store says.")
      ->type_name("FILE");
  app.add_option("--var", arguments.variables, "Fill ${NAME} in it (before the environment).")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

Result<ProcessSpec> ReadConfig(const std::string& config,
                               const std::vector<std::string>& variables) {
  Diagnostics diagnostics;
  ProcessSpec process = ReadProcessFile(config, {}, WEIR_TRY(GivenVariables(variables)),
                                        JobVocabulary(), diagnostics);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  return process;
}

Result<StoreLocation> LocateStore(const std::string& config,
                                  const std::vector<std::string>& variables,
                                  const std::string& state_dir) {
  const StoreLocation beside_state = StoreLocation::Directory(state_dir);
  if (config.empty()) return beside_state;
  return WEIR_TRY(ReadConfig(config, variables)).checkpoint_store.value_or(beside_state);
}

Result<std::unique_ptr<CheckpointStore>> OpenStoreOf(const StoreArguments& arguments,
                                                     StoreUse use) {
  const StoreLocation location =
      WEIR_TRY(LocateStore(arguments.config, arguments.variables, arguments.state_dir));
  const std::string local =
      StoreLocation::Directory(arguments.state_dir).path() + "/" + arguments.job;
  const auto looked =
      WEIR_TRY(CheckpointStore::Open(location, arguments.job, local, StoreUse::kLook));
  if (WEIR_TRY(looked->ListManifests()).empty() && WEIR_TRY(looked->ListSavepoints()).empty()) {
    return Status(errors::kNothingThere,
                  fmt::format("{} holds no checkpoints of a job '{}'",
                              location.is_s3() ? location.url : location.path(), arguments.job),
                  "name the job as in its file (`job: NAME`), and its --state-dir or the --config "
                  "that says where its checkpoints are; of a cluster's job, the --manager");
  }
  return CheckpointStore::Open(location, arguments.job, local, use);
}

Result<std::unique_ptr<CheckpointStore>> OpenSavepointOf(const StoreArguments& arguments,
                                                         const std::string& address) {
  StoreLocation folder =
      WEIR_TRY(LocateStore(arguments.config, arguments.variables, arguments.state_dir));
  folder.url = address;
  return CheckpointStore::OpenSavepoint(folder, "", StoreUse::kLook);
}

}  // namespace weir
