#include "config/settings_file.h"

#include <sstream>

#include "config/process_spec.h"

namespace weir {
namespace {

constexpr size_t kWidth = 100;

constexpr std::string_view kHead =
    R"(# What a weir process knows: where it is reached, where it keeps things, and the connections of its
# jobs, which so hold no addresses. Processes on one machine may share this file; 'weir settings'
# prints it.
#
# Every setting may be left out. Its example counts once the '#' before its name is taken away.
# ${NAME} stands for a variable of the environment. What variables (state_dir is WEIR_STATE_DIR) and
# flags (--state-dir) say goes before what this file says.
)";

/// A comment, broken at spaces; lines after the first are indented deeper.
std::string Comment(size_t indent, const std::string& text) {
  std::string out;
  std::string line = "#" + std::string(indent + 1, ' ');
  bool empty = true;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!empty && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = "#" + std::string(indent + 3, ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return out + line + "\n";
}

std::string Described(const FieldInfo& field) {
  std::string text =
      field.name + " (" + field.type + (field.required ? ", needed" : "") + "): " + field.help;
  if (!field.fallback.empty()) text += " Default: " + field.fallback + ".";
  if (!field.bound.empty()) text += " Must be " + field.bound + ".";
  return text;
}

/// The keys of `spec` that there are, and theirs, each deeper by two.
std::string Keys(const SpecBase& spec, size_t indent) {
  std::string out;
  for (const FieldInfo& field : spec.fields()) {
    if (field.name.empty() || field.not_yet) continue;
    out += Comment(indent, Described(field));
    if (field.nested != nullptr) out += Keys(*field.nested, indent + 2);
  }
  return out;
}

/// The line of `example` that is for `key`, behind `#`.
std::string ExampleOf(const std::string& example, const std::string& key) {
  std::istringstream lines(example);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":")) return "#" + line + "\n";
  }
  return "";
}

}  // namespace

std::string SettingsFile(const Vocabulary& vocabulary) {
  const SpecBase& spec = ProcessSpec::Describe();
  std::string out(kHead);
  for (const FieldInfo& field : spec.fields()) {
    if (field.not_yet) continue;
    out += "\n" + Comment(0, Described(field));
    if (field.nested != nullptr) out += Keys(*field.nested, 2);
    if (field.name == "connections") {
      for (const Word& word : vocabulary.connections) {
        if (word.not_yet) continue;
        out += Comment(2, word.name + ": " + word.help);
        if (word.options != nullptr) out += Keys(*word.options, 4);
      }
    }
    out += ExampleOf(spec.example(), field.name);
  }
  return out;
}

}  // namespace weir
