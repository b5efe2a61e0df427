#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

/// The commands that change a submitted job.
namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct ChangeArguments {
  std::string job;
  ClientArguments client;
  JobArguments file;
  uint32_t parallelism = 0;
  bool rewind = false;
  bool take_over = false;
  bool fresh = false;
  std::string from;
  bool drain = false;
  std::vector<std::string> drop_state;
};

Status Change(const ChangeArguments& arguments, const std::string& what, const Json& body,
              const std::string& told) {
  const Json answer =
      WEIR_TRY(ManagerClient(arguments.client)
                   .Post(fmt::format("/api/v1/jobs/{}/{}", arguments.job, what), body));
  if (arguments.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else if (answer.contains("savepoint")) {
    fmt::print("job {}: savepoint {} at {}\n", arguments.job, answer["savepoint"].dump(),
               answer.value("location", ""));
  } else {
    fmt::print("job {}: {}\n", arguments.job, told);
  }
  return Status::Ok();
}

std::shared_ptr<ChangeArguments> Begin(CLI::App& app) {
  auto arguments = std::make_shared<ChangeArguments>();
  app.add_option("job", arguments->job, "Name of the job.")->required()->type_name("JOB");
  AddClientArguments(app, arguments->client);
  return arguments;
}

}  // namespace

std::function<int()> AddStop(CLI::App& app) {
  auto arguments = Begin(app);
  app.add_flag("--drain", arguments->drain,
               "For good: input ends here, windows close, and the job with them.");
  return [arguments] {
    Json body = Json::object();
    if (arguments->drain) body["drain"] = true;
    return Report(Change(*arguments, "stop", body,
                         arguments->drain
                             ? "its input ends here; it ends once its windows are closed"
                             : "stopping with a last checkpoint; 'weir restart' goes on from it"));
  };
}

std::function<int()> AddCancel(CLI::App& app) {
  auto arguments = Begin(app);
  return [arguments] {
    return Report(Change(*arguments, "cancel", Json::object(),
                         "cancelled; 'weir restart' goes on from its last checkpoint"));
  };
}

std::function<int()> AddRemove(CLI::App& app) {
  auto arguments = Begin(app);
  return [arguments] {
    const auto remove = [&]() -> Status {
      const Json answer = WEIR_TRY(
          ManagerClient(arguments->client)
              .Post(fmt::format("/api/v1/jobs/{}/remove", arguments->job), Json::object()));
      if (arguments->client.json()) {
        fmt::print("{}\n", answer.dump(2));
        return Status::Ok();
      }
      const Json where = answer.value("checkpoints", Json());
      fmt::print(
          "job {}: removed; its checkpoints stay in {}, and a job submitted under its name goes on "
          "from them (--fresh begins anew)\n",
          arguments->job,
          where.is_string() ? where.get<std::string>() : "the workers' checkpoint store");
      return Status::Ok();
    };
    return Report(remove());
  };
}

std::function<int()> AddSavepoint(CLI::App& app) {
  auto arguments = Begin(app);
  return [arguments] { return Report(Change(*arguments, "savepoint", Json::object(), "taken")); };
}

std::function<int()> AddRescale(CLI::App& app) {
  auto arguments = Begin(app);
  app.add_option("parallelism", arguments->parallelism, "How many tasks of each step.")
      ->required()
      ->check(CLI::Range(1, 4096));
  return [arguments] {
    return Report(Change(*arguments, "rescale", {{"parallelism", arguments->parallelism}},
                         fmt::format("rescaling to {}", arguments->parallelism)));
  };
}

std::function<int()> AddRestart(CLI::App& app) {
  auto arguments = Begin(app);
  app.add_flag("--rewind", arguments->rewind,
               "Go on from an older checkpoint although later results are out.");
  app.add_flag("--take-over", arguments->take_over,
               "Take lanes that another instance of the job has written to.");
  app.add_flag("--fresh", arguments->fresh, "Forget the job's checkpoints, and begin anew.");
  AddFrom(app, arguments->from);
  AddDropState(app, arguments->drop_state);
  return [arguments] {
    Json body = Json::object();
    if (arguments->rewind) body["rewind"] = true;
    if (arguments->take_over) body["take_over"] = true;
    if (arguments->fresh) body["fresh"] = true;
    if (!arguments->from.empty()) body["from"] = arguments->from;
    if (!arguments->drop_state.empty()) body["drop_state"] = arguments->drop_state;
    return Report(Change(*arguments, "restart", body, "goes on"));
  };
}

std::function<int()> AddUpgrade(CLI::App& app) {
  auto arguments = std::make_shared<ChangeArguments>();
  AddJobArguments(app, arguments->file);
  AddDropState(app, arguments->drop_state);
  AddClientArguments(app, arguments->client);
  return [arguments] {
    const auto upgrade = [&]() -> Status {
      std::string name;
      const std::string text = WEIR_TRY(ReadJobText(arguments->file, &name));
      arguments->job = name;
      Json body = {{"text", text}};
      if (!arguments->drop_state.empty()) body["drop_state"] = arguments->drop_state;
      return Change(*arguments, "upgrade", body, "upgrading");
    };
    return Report(upgrade());
  };
}

}  // namespace weir
