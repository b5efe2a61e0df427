#include <map>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "config/schema.h"
#include "config/settings_file.h"
#include "engine/connection_budget.h"
#include "engine/planner.h"

namespace weir {
namespace {

struct ConnectArguments {
  bool connect = false;
  uint32_t workers = 1;
};

/// Has each source and sink looked at where it is, and counts the connections that the job will
/// keep. Whether nothing is in the way of a start.
bool Connect(const JobPlan& plan, uint32_t workers) {
  ConnectorContext context;
  context.job = plan.name;
  context.clock = &SystemClock();
  bool well = true;
  std::map<std::string, uint32_t> brokers;
  for (const NodePlan& node : plan.nodes) {
    const Linked* outside = node.Outside();
    if (outside == nullptr || outside->cluster().empty()) continue;
    const std::string of =
        fmt::format("{} '{}', ", node.source ? "source" : "sink", node.user_name);
    const uint32_t seen = outside->Examine(context, [&](Observation finding) {
      well = well && finding.verdict != Observation::Verdict::kBad;
      finding.what = of + finding.what;
      Print(finding);
    });
    if (seen > 0) brokers[outside->cluster()] = seen;
  }
  for (const ConnectionBudget& budget : BudgetOf(plan, workers, brokers)) {
    std::vector<std::string> parts;
    for (const auto& [name, count] : budget.nodes)
      parts.push_back(fmt::format("{} {}", name, count));
    Print({Observation::Verdict::kGood,
           "connections",
           fmt::format("{} at most to the {} broker{} at {}: {}", budget.Sum(), budget.brokers,
                       budget.brokers == 1 ? "" : "s", budget.cluster, fmt::join(parts, ", ")),
           {}});
  }
  return well;
}

}  // namespace

std::function<int()> AddValidate(CLI::App& app) {
  auto arguments = std::make_shared<JobArguments>();
  auto connect = std::make_shared<ConnectArguments>();
  AddJobArguments(app, *arguments);
  CLI::Option* const asked =
      app.add_flag("--connect", connect->connect,
                   "Look at the brokers too: topics, rights, and how many connections the job "
                   "will keep.");
  app.add_option("--workers", connect->workers, "How many workers it will run on, for that count.")
      ->needs(asked)
      ->check(CLI::Range(1, 10'000))
      ->type_name("N");
  return [arguments, connect] {
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
    const bool well = !connect->connect || Connect(*plan, connect->workers);
    return static_cast<int>(well ? kExitDone : kExitFailed);
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
