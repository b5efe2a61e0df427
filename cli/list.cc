#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

Status List(const ClientArguments& arguments) {
  const auto answer = WEIR_TRY(ManagerClient(arguments).Get("/api/v1/jobs"));
  if (arguments.json()) {
    fmt::print("{}\n", answer.dump(2));
    return Status::Ok();
  }
  fmt::print("{:<28} {:<14} {:>5} {:>12} {:>10} {:>8}  {}\n", "JOB", "STATE", "TASKS", "ROWS/S",
             "LAG", "RESTARTS", "WHY");
  for (const auto& job : answer.value("jobs", nlohmann::ordered_json::array())) {
    const auto lag = job.find("lag_records");
    fmt::print("{:<28} {:<14} {:>5} {:>12.0f} {:>10} {:>8}  {}\n", job.value("name", ""),
               job.value("state", ""), job.value("parallelism", 0),
               job.value("rows_per_second", 0.0),
               lag == job.end() || lag->is_null() ? "-" : lag->dump(), job.value("restarts", 0),
               job.value("reason", ""));
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddList(CLI::App& app) {
  auto arguments = std::make_shared<ClientArguments>();
  AddClientArguments(app, *arguments);
  return [arguments] { return Report(List(*arguments)); };
}

}  // namespace weir
