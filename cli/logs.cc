#include <chrono>
#include <cstdint>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kAskEvery{500};

struct LogsArguments {
  std::string job;
  uint32_t lines = 100;
  bool follow = false;
  ClientArguments client;
};

Status Show(const LogsArguments& arguments) {
  const ManagerClient client(arguments.client);
  uint64_t after = 0;
  for (uint32_t lines = arguments.lines;; lines = UINT32_MAX) {
    const Json answer = WEIR_TRY(client.Get(
        fmt::format("/api/v1/jobs/{}/logs?after={}&lines={}", arguments.job, after, lines)));
    for (const Json& line : answer["lines"]) {
      after = line.value("number", after);
      if (arguments.client.json()) {
        fmt::print("{}\n", line.dump());
      } else {
        fmt::print("{:<10} {}\n", line.value("worker", ""), line.value("line", ""));
      }
    }
    if (!arguments.follow) return Status::Ok();
    std::fflush(stdout);
    std::this_thread::sleep_for(kAskEvery);
  }
}

}  // namespace

std::function<int()> AddLogs(CLI::App& app) {
  auto arguments = std::make_shared<LogsArguments>();
  app.add_option("job", arguments->job, "Name of the job.")->required()->type_name("JOB");
  app.add_option("--lines", arguments->lines, "How many, counted from the newest.")
      ->capture_default_str();
  app.add_flag("--follow,-f", arguments->follow, "Go on with new ones, until interrupted.");
  AddClientArguments(app, arguments->client);
  return [arguments] { return Report(Show(*arguments)); };
}

}  // namespace weir
