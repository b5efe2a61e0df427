#include "cli/checkpoint_home.h"

#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/errors.h"
#include "daemon/manager/errors.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

/// The first of these flags that was given; empty: none.
std::string FirstGiven(const CLI::App& app, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) {
    if (app.count(flag) > 0) return flag;
  }
  return {};
}

}  // namespace

void AddHomeArguments(CLI::App& app, HomeArguments& arguments) {
  AddStoreArguments(app, arguments.store);
  AddClientArguments(app, arguments.client);
}

Result<CheckpointHome> CheckpointHome::Of(const CLI::App& app, const HomeArguments& arguments) {
  const std::string here = FirstGiven(app, {"--state-dir", "--config", "--var"});
  const std::string there =
      FirstGiven(app, {"--manager", "--context", "--ca", "--token-file", "--certificate"});
  if (!here.empty() && !there.empty()) {
    return Status(
        errors::kBadFlag,
        fmt::format("{} is for a job that 'weir run' runs, {} for one of a cluster", here, there),
        "a cluster's workers know where its checkpoints are: leave " + here + " out");
  }
  std::error_code ignored;
  const bool is_here =
      !here.empty() ||
      (there.empty() && std::filesystem::is_directory(
                            arguments.store.state_dir + "/" + arguments.store.job, ignored));
  return CheckpointHome(arguments, !is_here, !here.empty() || !there.empty());
}

std::string CheckpointHome::PathOf(const std::string& path) const {
  return "/api/v1/jobs/" + arguments_.store.job + path;
}

/// Whoever has mixed up the places is told of the other one.
Result<Json> CheckpointHome::Hinted(Result<Json> answer) const {
  if (answer.ok()) return answer;
  const Status& status = answer.status();
  if (status.Is(errors::kNoManager) && !is_said_) {
    return Status(errors::kNothingThere,
                  fmt::format("{} holds no job '{}', and {}", arguments_.store.state_dir,
                              arguments_.store.job, status.message()),
                  "name its --state-dir, or the --manager of its cluster");
  }
  if (status.Is(errors::kNoSuchJob)) {
    return Status(errors::kNoSuchJob, status.message(),
                  status.cure() + "; of a job that 'weir run' runs, name the --state-dir");
  }
  return answer;
}

Result<Json> CheckpointHome::Get(const std::string& path) const {
  return Hinted(ManagerClient(arguments_.client).Get(PathOf(path)));
}

Result<Json> CheckpointHome::Post(const std::string& path, const Json& body) const {
  return Hinted(ManagerClient(arguments_.client).Post(PathOf(path), body));
}

}  // namespace weir
