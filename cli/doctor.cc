#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/errors.h"
#include "config/process_spec.h"
#include "connectors/connector.h"
#include "engine/planner.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

struct DoctorArguments {
  std::string connection;
  std::string config;
  std::vector<std::string> variables;
  std::vector<std::string> topics;
  std::string output = "text";
};

Result<ConnectionSpec> FindConnection(const DoctorArguments& arguments) {
  Diagnostics diagnostics;
  const ProcessSpec process =
      ReadProcessFile(arguments.config, {}, WEIR_TRY(GivenVariables(arguments.variables)),
                      JobVocabulary(), diagnostics);
  std::vector<std::string> names;
  for (const ConnectionSpec& connection : process.connections) {
    if (connection.name == arguments.connection) return connection;
    names.push_back(connection.name);
  }
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  const std::string near = NearestName(arguments.connection, names);
  return Status(errors::kBadFlag,
                fmt::format("{} has no connection '{}'", arguments.config, arguments.connection),
                near.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                             : fmt::format("did you mean '{}'?", near));
}

/// Whether all is well.
Result<bool> Examine(const DoctorArguments& arguments) {
  const ConnectionSpec connection = WEIR_TRY(FindConnection(arguments));
  const Connector* connector = FindConnector(connection.kind);
  bool well = true;
  Json findings = Json::array();
  Examination examination;
  examination.topics = arguments.topics;
  examination.tell = [&](const Observation& finding) {
    well = well && finding.verdict != Observation::Verdict::kBad;
    if (arguments.output == "json") {
      findings.push_back({{"what", finding.what},
                          {"verdict", WordOf(finding.verdict)},
                          {"found", finding.found},
                          {"cure", finding.cure}});
      return;
    }
    Print(finding);
  };
  Diagnostics diagnostics;
  const bool examined =
      connector != nullptr && connector->Examine(connection.options, examination, diagnostics);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  if (!examined) {
    return Status(errors::kBadFlag,
                  fmt::format("'{}' is a connection of kind {}, which the doctor does not know",
                              connection.name, connection.kind),
                  "it looks at kafka connections");
  }
  if (arguments.output == "json") {
    fmt::print("{}\n",
               Json({{"connection", connection.name}, {"well", well}, {"findings", findings}})
                   .dump(2, ' ', false, Json::error_handler_t::replace));
  }
  return well;
}

}  // namespace

std::function<int()> AddDoctor(CLI::App& app) {
  auto arguments = std::make_shared<DoctorArguments>();
  app.add_option("connection", arguments->connection, "Its name in the process's file.")
      ->required()
      ->type_name("CONNECTION");
  app.add_option("--config", arguments->config, "The process's own file.")
      ->required()
      ->type_name("FILE");
  app.add_option("--var", arguments->variables, "Fill ${NAME} (before the environment).")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--topic", arguments->topics, "A topic to look at, too; may be given again.")
      ->type_name("TOPIC")
      ->allow_extra_args(false);
  app.add_option("--output", arguments->output, "text or json.")
      ->check(CLI::IsMember({"text", "json"}));
  return [arguments] {
    const Result<bool> well = Examine(*arguments);
    if (!well.ok()) return Report(well.status());
    return static_cast<int>(*well ? kExitDone : kExitFailed);
  };
}

}  // namespace weir
