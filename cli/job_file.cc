#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/time.h"
#include "cli/command.h"
#include "cli/errors.h"
#include "config/errors.h"
#include "config/process_spec.h"
#include "engine/job_texts.h"
#include "engine/planner.h"
#include "formats/errors.h"

namespace weir {
namespace {

std::string FolderOf(const JobArguments& arguments) {
  return std::filesystem::path(arguments.path).parent_path().string();
}

}  // namespace

void AddJobArguments(CLI::App& app, JobArguments& arguments) {
  app.add_option("job", arguments.path, "The job: a YAML file.")->required()->type_name("JOB.yaml");
  app.add_option("--config", arguments.config,
                 "The process's own file: connections, so that jobs hold no addresses.")
      ->type_name("FILE");
  app.add_option("--set", arguments.sets,
                 "Change a value as if it were written there: sources.clicks.kafka.stop=latest")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  app.add_option("--var", arguments.variables, "Fill ${NAME} (before the environment).")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

void AddDropState(CLI::App& app, std::vector<std::string>& names) {
  app.add_option("--drop-state", names,
                 "Steps whose state, and sources whose positions, the changed job gives up.")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void AddFrom(CLI::App& app, std::string& from) {
  app.add_option(
         "--from", from,
         "Go on from a savepoint (its number, or the folder that it is in) or from an older "
         "checkpoint (its number).")
      ->type_name("SAVEPOINT");
}

Result<Variables> GivenVariables(const std::vector<std::string>& given) {
  Variables variables;
  for (const std::string& variable : given) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status(errors::kBadFlag, fmt::format("--var {} is not NAME=VALUE", variable),
                    "write --var TOPIC=clicks");
    }
    variables.given[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return variables;
}

Result<std::string> ReadJobText(const JobArguments& arguments, std::string* name) {
  Diagnostics diagnostics;
  const JobInput input{arguments.path, WEIR_TRY(GivenVariables(arguments.variables)),
                       arguments.sets};
  JobSpec job = ReadJobFile(input, JobVocabulary(), diagnostics);
  TakeFilesIn(job, FolderOf(arguments), diagnostics);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  // What can be told here has the file's own places. A job whose connections or secrets only the
  // manager knows is told there what is wrong with it.
  if (!arguments.config.empty()) {
    AddConnections(
        ReadProcessFile(arguments.config, {}, WEIR_TRY(GivenVariables(arguments.variables)),
                        JobVocabulary(), diagnostics),
        job);
  }
  PlanContext context;
  context.now = SystemClock().Now();
  context.ask = false;  // The manager does, whose connections count.
  (void)PlanJob(job, context, diagnostics);
  const bool elsewhere =
      std::any_of(diagnostics.items().begin(), diagnostics.items().end(), [](const auto& item) {
        return item.code->id == errors::kUnknownNode.id ||
               item.code->id == errors::kSecretMissing.id || item.code->id == errors::kNotPinned.id;
      });
  if (diagnostics.has_errors() && !elsewhere) return diagnostics.ToStatus();
  if (name != nullptr) *name = job.name;
  return std::move(job.text);
}

Result<JobPlan> LoadJob(const JobArguments& arguments,
                        const std::function<std::string(const std::string& job)>& before) {
  const Variables variables = WEIR_TRY(GivenVariables(arguments.variables));
  Diagnostics diagnostics;
  const JobInput input{arguments.path, variables, arguments.sets};
  JobSpec job = ReadJobFile(input, JobVocabulary(), diagnostics);
  TakeFilesIn(job, FolderOf(arguments), diagnostics);
  if (!arguments.config.empty()) {
    const ProcessSpec process =
        ReadProcessFile(arguments.config, {}, variables, JobVocabulary(), diagnostics);
    AddConnections(process, job);
  }
  PlanContext context;
  context.folder = FolderOf(arguments);
  if (before) context.before = before(job.name);
  context.now = SystemClock().Now();
  std::optional<JobPlan> plan = PlanJob(job, context, diagnostics);
  if (diagnostics.has_errors() || !plan) return diagnostics.ToStatus();
  if (!diagnostics.items().empty()) fmt::print(stderr, "{}", diagnostics.Render());
  return std::move(*plan);
}

}  // namespace weir
