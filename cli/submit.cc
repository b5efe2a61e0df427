#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

struct SubmitArguments {
  JobArguments job;
  ClientArguments client;
  uint32_t parallelism = 0;
  bool rewind = false;
  bool take_over = false;
  std::vector<std::string> drop_state;
  bool fresh = false;
  std::string from;
};

Status Submit(const SubmitArguments& arguments) {
  const std::string text = WEIR_TRY(ReadJobText(arguments.job));
  nlohmann::ordered_json body = {{"text", text}};
  if (arguments.parallelism > 0) body["parallelism"] = arguments.parallelism;
  if (arguments.rewind) body["rewind"] = true;
  if (arguments.take_over) body["take_over"] = true;
  if (!arguments.drop_state.empty()) body["drop_state"] = arguments.drop_state;
  if (arguments.fresh) body["fresh"] = true;
  if (!arguments.from.empty()) body["from"] = arguments.from;
  const auto answer = WEIR_TRY(ManagerClient(arguments.client).Post("/api/v1/jobs", body));
  if (arguments.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    fmt::print("job {} is submitted; 'weir status {}' shows how it stands\n",
               answer.value("job", ""), answer.value("job", ""));
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddSubmit(CLI::App& app) {
  auto arguments = std::make_shared<SubmitArguments>();
  AddJobArguments(app, arguments->job);
  AddClientArguments(app, arguments->client);
  app.add_option("--parallelism", arguments->parallelism, "In place of what the job says.")
      ->check(CLI::Range(1, 4096));
  app.add_flag("--rewind", arguments->rewind,
               "Go on from an older checkpoint although later results are out.");
  AddDropState(app, arguments->drop_state);
  app.add_flag("--take-over", arguments->take_over,
               "Take lanes that another instance of the job has written to.");
  app.add_flag("--fresh", arguments->fresh, "Forget the job's checkpoints, and begin anew.");
  AddFrom(app, arguments->from);
  return [arguments] { return Report(Submit(*arguments)); };
}

}  // namespace weir
