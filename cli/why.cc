#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct WhyArguments {
  std::string job;
  ClientArguments client;
};

void Print(const Json& answer) {
  fmt::print("job {} is {}: {}\n", answer.value("job", ""), answer.value("state", ""),
             answer.value("reason", ""));
  const Json& findings = answer["findings"];
  if (findings.empty()) fmt::print("nothing holds it\n");
  for (const Json& finding : findings) {
    fmt::print("\n{}: {}\n", finding.value("what", ""), finding.value("message", ""));
    fmt::print("  seen: {}\n", finding.value("evidence", ""));
    fmt::print("  do:   {}\n", finding.value("cure", ""));
  }
}

Status Tell(const WhyArguments& arguments) {
  const Json answer =
      WEIR_TRY(ManagerClient(arguments.client).Get("/api/v1/jobs/" + arguments.job + "/why"));
  if (arguments.client.json()) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    Print(answer);
  }
  return Status::Ok();
}

}  // namespace

std::function<int()> AddWhy(CLI::App& app) {
  auto arguments = std::make_shared<WhyArguments>();
  app.add_option("job", arguments->job, "Name of the job.")->required()->type_name("JOB");
  AddClientArguments(app, arguments->client);
  return [arguments] { return Report(Tell(*arguments)); };
}

}  // namespace weir
