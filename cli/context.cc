#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/contexts.h"
#include "daemon/security/errors.h"

namespace weir {
namespace {

Status List() {
  const Contexts contexts = WEIR_TRY(Contexts::Read());
  for (const auto& [name, context] : contexts.contexts) {
    fmt::print("{} {:<20} {}\n", name == contexts.current ? "*" : " ", name, context.manager);
  }
  if (contexts.contexts.empty()) fmt::print("no contexts: there is none in {}\n", contexts.path);
  return Status::Ok();
}

Status Use(const std::string& name) {
  const Contexts contexts = WEIR_TRY(Contexts::Read());
  WEIR_TRY(contexts.Use(name));
  fmt::print("commands are for {} now: {}\n", name, contexts.contexts.at(name).manager);
  return Status::Ok();
}

Status Show(const std::string& given) {
  const Contexts contexts = WEIR_TRY(Contexts::Read());
  const std::string name = given.empty() ? contexts.current : given;
  if (name.empty()) {
    return Status(errors::kBadContexts, "no context counts: none was chosen",
                  "'weir context use NAME' chooses one of those that 'weir context list' shows");
  }
  const ManagerContext context = WEIR_TRY(contexts.Find(name));
  fmt::print("context {}\n", name);
  const auto line = [](const char* key, const std::string& value) {
    if (!value.empty()) fmt::print("  {:<12} {}\n", key, value);
  };
  line("manager", context.manager);
  line("ca", context.ca);
  line("token_file", context.token_file);
  line("certificate", context.certificate);
  line("key", context.key);
  return Status::Ok();
}

}  // namespace

std::function<int()> AddContext(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "The contexts that there are; * marks the one used.");
  CLI::App* use = app.add_subcommand("use", "Commands are for this one from now on.");
  CLI::App* show = app.add_subcommand("show", "What one says; without a name, the one used.");
  use->add_option("name", *name, "Its name.")->required();
  show->add_option("name", *name, "Its name.");
  return [name, list, use] {
    return Report(list->parsed() ? List() : use->parsed() ? Use(*name) : Show(*name));
  };
}

}  // namespace weir
