#include "cli/suggest.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>

namespace weir {
namespace {

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// The commands' flags count for all below them.
const CLI::Option* FindFlag(const CLI::App* command, const std::string& name) {
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->nonpositional() && option->check_name(name)) return option;
    }
  }
  return nullptr;
}

const CLI::App* FindCommand(const CLI::App& command, const std::string& name) {
  for (const CLI::App* below : command.get_subcommands(nullptr)) {
    if (below->get_name() == name) return below;
  }
  return nullptr;
}

/// The positional at `place`; the last one where it takes many.
const CLI::Option* FindPositional(const CLI::App& command, size_t place) {
  const CLI::Option* last = nullptr;
  size_t seen = 0;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    if (seen++ == place) return option;
    last = option;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

/// CLI11 tells what it checks only in the type's name: `TEXT:{info,warn}`.
std::vector<std::string> ChoicesOf(const std::string& type) {
  std::vector<std::string> choices;
  const size_t open = type.find('{');
  const size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string_view rest = std::string_view(type).substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    choices.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return choices;
}

Suggestions ValuesOf(const CLI::Option& option) {
  using Others = Suggestions::Others;
  Suggestions found;
  const std::string type = option.get_type_name();
  for (const std::string& choice : ChoicesOf(type)) found.words.push_back({choice, ""});
  if (type == "FILE" || type == "JOB.yaml") found.others = Others::kFiles;
  if (type == "DIR") found.others = Others::kDirectories;
  if (type == "JOB") found.others = Others::kJobs;
  if (type == "WORKER") found.others = Others::kWorkers;
  return found;
}

Suggestions FlagsOf(const CLI::App* command) {
  Suggestions found;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        const std::string flag = "--" + name;
        const bool known = std::any_of(found.words.begin(), found.words.end(),
                                       [&](const auto& word) { return word.text == flag; });
        if (!known) found.words.push_back({flag, option->get_description()});
      }
    }
  }
  return found;
}

void KeepThoseThatBegin(Suggestions& found, std::string_view begun) {
  std::erase_if(found.words, [&](const auto& word) { return !word.text.starts_with(begun); });
}

}  // namespace

Suggestions Suggest(const CLI::App& program, std::span<const std::string> words) {
  if (words.empty()) return {};
  const CLI::App* command = &program;
  const CLI::Option* awaits = nullptr;  // A flag whose value comes next.
  size_t place = 0;                     // Among the command's positionals.
  for (const std::string& word : words.first(words.size() - 1)) {
    if (word == "=" && awaits != nullptr) continue;  // bash takes --flag=value apart.
    if (awaits != nullptr) {
      awaits = nullptr;
    } else if (word.starts_with('-')) {
      const CLI::Option* flag = FindFlag(command, word);
      if (flag != nullptr && TakesValue(*flag)) awaits = flag;
    } else if (const CLI::App* below = FindCommand(*command, word)) {
      command = below;
      place = 0;
    } else {
      place++;
    }
  }

  const std::string& begun = words.back();
  Suggestions found;
  if (awaits != nullptr) {
    found = ValuesOf(*awaits);
    KeepThoseThatBegin(found, begun == "=" ? "" : begun);
  } else if (const size_t equals = begun.find('=');
             begun.starts_with('-') && equals != std::string::npos) {
    const std::string name = begun.substr(0, equals);
    const CLI::Option* flag = FindFlag(command, name);
    if (flag != nullptr && TakesValue(*flag)) found = ValuesOf(*flag);
    for (Suggestions::Word& word : found.words) word.text = name + "=" + word.text;
    KeepThoseThatBegin(found, begun);
  } else if (begun.starts_with('-')) {
    found = FlagsOf(command);
    KeepThoseThatBegin(found, begun);
  } else if (const CLI::Option* positional = FindPositional(*command, place)) {
    found = ValuesOf(*positional);
    KeepThoseThatBegin(found, begun);
  } else if (place == 0) {
    for (const CLI::App* below : command->get_subcommands(nullptr)) {
      found.words.push_back({below->get_name(), below->get_description()});
    }
    KeepThoseThatBegin(found, begun);
  }
  return found;
}

}  // namespace weir
