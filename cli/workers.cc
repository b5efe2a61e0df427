#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct DrainArguments {
  std::string worker;
  bool undo = false;
  ClientArguments client;
};

Status Workers(const ClientArguments& arguments) {
  const Json answer = WEIR_TRY(ManagerClient(arguments).Get("/api/v1/workers"));
  if (arguments.json()) {
    fmt::print("{}\n", answer.dump(2));
    return Status::Ok();
  }
  fmt::print("{:<24} {:<10} {:>5} {:>5} {:<22} {}\n", "WORKER", "STATE", "SLOTS", "FREE", "ADDRESS",
             "WHY");
  for (const auto& worker : answer.value("workers", Json::array())) {
    fmt::print("{:<24} {:<10} {:>5} {:>5} {:<22} {}\n", worker.value("id", ""),
               worker.value("state", ""), worker.value("slots", 0), worker.value("free", 0),
               worker.value("address", ""), worker.value("reason", ""));
  }
  return Status::Ok();
}

Status Drain(const DrainArguments& arguments) {
  const Json answer = WEIR_TRY(ManagerClient(arguments.client)
                                   .Post(fmt::format("/api/v1/workers/{}/{}", arguments.worker,
                                                     arguments.undo ? "undrain" : "drain"),
                                         Json::object()));
  if (arguments.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    fmt::print("worker {}: {}\n", arguments.worker,
               arguments.undo ? "takes tasks again" : "its tasks are moved away");
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddWorkers(CLI::App& app) {
  auto arguments = std::make_shared<ClientArguments>();
  AddClientArguments(app, *arguments);
  return [arguments] { return Report(Workers(*arguments)); };
}

std::function<int()> AddDrain(CLI::App& app) {
  auto arguments = std::make_shared<DrainArguments>();
  app.add_option("worker", arguments->worker, "Id of the worker.")->required()->type_name("WORKER");
  app.add_flag("--undo", arguments->undo, "It takes tasks again.");
  AddClientArguments(app, arguments->client);
  return [arguments] { return Report(Drain(*arguments)); };
}

}  // namespace weir
