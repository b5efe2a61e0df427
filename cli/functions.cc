#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/errors.h"
#include "config/yaml.h"
#include "expr/function_list.h"

namespace weir {
namespace {

int List() {
  std::string_view group;
  for (const FunctionHelp& function : ListAllFunctions()) {
    if (function.kind != group) {
      if (!group.empty()) fmt::print("\n");
      group = function.kind;
      fmt::print("{}\n", group);
    }
    fmt::print("  {:<18} {}\n", function.name, function.help);
  }
  return kExitDone;
}

int Tell(const std::string& name) {
  std::vector<std::string> names;
  for (const FunctionHelp& function : ListAllFunctions()) {
    names.emplace_back(function.name);
    if (function.name != name) continue;
    fmt::print("{}{}\n  {}\n", function.name, function.signature, function.help);
    if (!function.example.empty()) {
      fmt::print("  example: {}{}\n", function.example,
                 function.result.empty() ? "" : fmt::format("  →  {}", function.result));
    }
    return kExitDone;
  }
  const std::string near = NearestName(name, names);
  return Report(Status(
      errors::kNothingThere, fmt::format("there is no function '{}'", name),
      near.empty() ? "'weir functions' lists them all" : fmt::format("did you mean '{}'?", near)));
}

}  // namespace

std::function<int()> AddFunctions(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "One function, told in full.");
  return [name] { return name->empty() ? List() : Tell(*name); };
}

}  // namespace weir
