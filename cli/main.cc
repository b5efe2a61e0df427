#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/command.h"
#include "cli/version.h"
#include "config/yaml.h"

int main(int argc, char** argv) {
  // A reader that went away (`weir … | head`) is an error of the write, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"weir: a stream processor for Kafka. One binary; a job is a YAML file.", "weir"};
  app.set_version_flag("--version", "weir " + weir::Version());
  app.require_subcommand(1);
  app.fallthrough();
  std::string level = "info";
  app.add_option("--log", level, "Least level of log lines: info, warn, error or off.")
      ->check(CLI::IsMember({"info", "warn", "error", "off"}));
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands;
  for (const weir::Command& command : weir::AllCommands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.help));
    commands.emplace_back(sub, command.add(*sub));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    std::vector<std::string> names;
    for (const weir::Command& command : weir::AllCommands()) names.emplace_back(command.name);
    if (argc > 1 && argv[1][0] != '-' &&
        std::find(names.begin(), names.end(), argv[1]) == names.end()) {
      const std::string near = weir::NearestName(argv[1], names);
      fmt::print(stderr, "error WEIR-C001: there is no command '{}'\n  = {}\n", argv[1],
                 near.empty() ? "'weir --help' lists what there is"
                              : fmt::format("did you mean 'weir {}'?", near));
      return weir::kExitInvalid;
    }
    fmt::print(stderr, "error WEIR-C001: {}\n  = 'weir {}--help' lists what there is\n",
               error.what(), argc > 1 && argv[1][0] != '-' ? std::string(argv[1]) + " " : "");
    return weir::kExitInvalid;
  }
  weir::log::SetLevel(level);
  for (const auto& [sub, run] : commands) {
    if (sub->parsed()) return run();
  }
  return weir::kExitInvalid;
}
