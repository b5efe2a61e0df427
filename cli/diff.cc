#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/errors.h"
#include "engine/plan_diff.h"

namespace weir {
namespace {

struct DiffArguments {
  JobArguments before;
  std::string after;
  std::vector<std::string> drop_state;
  bool json = false;
};

void Print(const std::vector<NodeDifference>& differences, bool json) {
  if (json) {
    nlohmann::ordered_json told = nlohmann::ordered_json::array();
    for (const NodeDifference& one : differences) {
      told.push_back({{"kind", one.kind},
                      {"name", one.name},
                      {"fate", NameOf(one.fate)},
                      {"detail", one.detail}});
    }
    fmt::print("{}\n", told.dump(2));
    return;
  }
  for (const NodeDifference& one : differences) {
    fmt::print("{:<8} {:<7} {:<24} {}\n", NameOf(one.fate), one.kind, one.name, one.detail);
  }
}

Status Tell(const DiffArguments& arguments) {
  JobArguments second = arguments.before;
  second.path = arguments.after;
  const JobPlan before = WEIR_TRY(LoadJob(arguments.before));
  const JobPlan after = WEIR_TRY(LoadJob(second));
  if (before.name != after.name) {
    return Status(errors::kOtherJob,
                  fmt::format("{} is job '{}', and {} is job '{}'", arguments.before.path,
                              before.name, arguments.after, after.name),
                  "an upgrade keeps the job's name");
  }
  const std::vector<NodeDifference> differences = DiffPlans(before, after, arguments.drop_state);
  Print(differences, arguments.json);
  return CheckDrops(differences, arguments.drop_state);
}

}  // namespace

std::function<int()> AddDiff(CLI::App& app) {
  auto arguments = std::make_shared<DiffArguments>();
  AddJobArguments(app, arguments->before);
  app.add_option("new", arguments->after, "The job file that is to take over.")
      ->required()
      ->type_name("JOB.yaml");
  AddDropState(app, arguments->drop_state);
  app.add_option_function<std::string>(
         "--output", [arguments](const std::string& form) { arguments->json = form == "json"; },
         "text or json.")
      ->check(CLI::IsMember({"text", "json"}));
  return [arguments] { return Report(Tell(*arguments)); };
}

}  // namespace weir
