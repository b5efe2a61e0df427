#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "config/schema.h"
#include "config/settings_file.h"
#include "engine/planner.h"

namespace weir {

std::function<int()> AddValidate(CLI::App& app) {
  auto arguments = std::make_shared<JobArguments>();
  AddJobArguments(app, *arguments);
  return [arguments] {
    const Result<JobPlan> plan = LoadJob(*arguments);
    if (!plan.ok()) return Report(plan.status());
    size_t sources = 0;
    size_t sinks = 0;
    for (const NodePlan& node : plan->nodes) {
      if (node.role == NodePlan::Role::kSource) sources++;
      if (node.role == NodePlan::Role::kSink && !node.is_dead_letter) sinks++;
    }
    fmt::print("{}: job '{}' is valid ({} source{}, {} sink{}, {} fragment{})\n", arguments->path,
               plan->name, sources, sources == 1 ? "" : "s", sinks, sinks == 1 ? "" : "s",
               plan->fragments.size(), plan->fragments.size() == 1 ? "" : "s");
    return static_cast<int>(kExitDone);
  };
}

std::function<int()> AddExplain(CLI::App& app) {
  auto arguments = std::make_shared<JobArguments>();
  AddJobArguments(app, *arguments);
  return [arguments] {
    const Result<JobPlan> plan = LoadJob(*arguments);
    if (!plan.ok()) return Report(plan.status());
    fmt::print("{}", plan->Explain());
    return static_cast<int>(kExitDone);
  };
}

std::function<int()> AddSchema(CLI::App&) {
  return [] {
    fmt::print("{}\n", JobJsonSchema(JobVocabulary()));
    return static_cast<int>(kExitDone);
  };
}

std::function<int()> AddSettings(CLI::App&) {
  return [] {
    fmt::print("{}", SettingsFile(JobVocabulary()));
    return static_cast<int>(kExitDone);
  };
}

}  // namespace weir
