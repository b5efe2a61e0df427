#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct StatusArguments {
  std::string job;
  ClientArguments client;
};

void Line(const char* name, const std::string& value) {
  if (!value.empty()) fmt::print("  {:<14} {}\n", name, value);
}

std::string Shown(const Json& job, const char* name) {
  const auto value = job.find(name);
  if (value == job.end() || value->is_null()) return {};
  return value->is_string() ? value->get<std::string>() : value->dump();
}

void Print(const Json& job) {
  fmt::print("job {}: {}\n", Shown(job, "name"), Shown(job, "state"));
  Line("why", Shown(job, "reason"));
  Line("parallelism", Shown(job, "parallelism"));
  if (const auto attempt = job.find("attempt"); attempt != job.end()) {
    std::string workers;
    for (const auto& worker : (*attempt)["workers"]) {
      workers += (workers.empty() ? "" : ", ") + worker.get<std::string>();
    }
    Line("attempt", fmt::format("{} on {}, led by {}", Shown(*attempt, "id"), workers,
                                Shown(*attempt, "lead")));
  }
  if (const auto rate = job.find("rows_per_second"); rate != job.end() && rate->is_number()) {
    Line("rows/s", fmt::format("{:.0f}", rate->get<double>()));
  }
  Line("rows in", Shown(job, "rows_in"));
  Line("rows out", Shown(job, "rows_out"));
  Line("lag", Shown(job, "lag_records"));
  Line("watermark", Shown(job, "watermark"));
  if (job.contains("checkpoint")) {
    Line("checkpoint", fmt::format("{}, {:.1f} s ago", Shown(job, "checkpoint"),
                                   job.value("checkpoint_age_seconds", 0.0)));
  }
  Line("restarts", Shown(job, "restarts"));
  if (const auto failure = job.find("failure"); failure != job.end()) {
    Line("last failure",
         fmt::format("{}: {}", Shown(*failure, "code"), Shown(*failure, "message")));
    Line("", Shown(*failure, "cure"));
  }
  for (const auto& restart : job.value("history", Json::array())) {
    const std::string downtime = Shown(restart, "downtime_seconds");
    fmt::print("  {}  attempt {} ended: {}{}\n", Shown(restart, "at"), Shown(restart, "attempt"),
               Shown(restart, "reason"),
               downtime.empty() ? "" : fmt::format("; down for {} s", downtime));
  }
}

Status Show(const StatusArguments& arguments) {
  const Json job = WEIR_TRY(ManagerClient(arguments.client).Get("/api/v1/jobs/" + arguments.job));
  if (arguments.client.json()) {
    fmt::print("{}\n", job.dump(2));
  } else {
    Print(job);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddStatus(CLI::App& app) {
  auto arguments = std::make_shared<StatusArguments>();
  app.add_option("job", arguments->job, "Name of the job.")->required()->type_name("JOB");
  AddClientArguments(app, arguments->client);
  return [arguments] { return Report(Show(*arguments)); };
}

}  // namespace weir
