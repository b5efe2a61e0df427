#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "clients/aws_rights.h"

namespace weir {
namespace {

void PrintTable() {
  std::string_view use;
  for (const AwsRight& right : AwsRights()) {
    if (right.use != use) {
      fmt::print("{}{}\n", use.empty() ? "" : "\n", right.use);
      use = right.use;
    }
    fmt::print("  {:<50} {:<22} {}\n", right.action, right.on, right.purpose);
  }
}

void PrintJson() {
  nlohmann::ordered_json rights = nlohmann::ordered_json::array();
  for (const AwsRight& right : AwsRights()) {
    rights.push_back({{"use", right.use},
                      {"action", right.action},
                      {"on", right.on},
                      {"purpose", right.purpose}});
  }
  fmt::print("{}\n", rights.dump(2));
}

}  // namespace

std::function<int()> AddRights(CLI::App& app) {
  auto output = std::make_shared<std::string>("text");
  app.add_option("--output", *output, "Print as text or json.")
      ->check(CLI::IsMember({"text", "json"}));
  return [output] {
    *output == "json" ? PrintJson() : PrintTable();
    return static_cast<int>(kExitDone);
  };
}

}  // namespace weir
