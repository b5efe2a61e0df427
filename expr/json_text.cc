#include "expr/json_text.h"

#include <charconv>

#include <simdjson.h>

namespace weir {
namespace {

constexpr size_t kDeepest = 64;

/// The document of `json`; an error where it is not one.
simdjson::simdjson_result<simdjson::dom::element> ReadJson(simdjson::dom::parser& parser,
                                                           std::string_view json) {
  if (const auto error = parser.allocate(json.size() + 1, kDeepest)) return error;
  return parser.parse(json.data(), json.size());
}

/// The next step of a path: a name, or a place in brackets.
struct Step {
  std::string_view name;
  std::optional<size_t> index;
};

std::optional<Step> TakeStep(std::string_view& path) {
  if (path.starts_with('[')) {
    size_t index = 0;
    const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
    const auto used = static_cast<size_t>(end - path.data());
    if (error != std::errc() || used >= path.size() || path[used] != ']') return std::nullopt;
    path.remove_prefix(used + 1);
    return Step{"", index};
  }
  if (path.starts_with('.')) path.remove_prefix(1);
  const size_t end = std::min(path.find_first_of(".["), path.size());
  if (end == 0) return std::nullopt;
  const Step step{path.substr(0, end), std::nullopt};
  path.remove_prefix(end);
  return step;
}

}  // namespace

bool IsJson(std::string_view text) {
  thread_local simdjson::dom::parser parser;
  return ReadJson(parser, text).error() == simdjson::SUCCESS;
}

std::optional<std::string> JsonAt(std::string_view json, std::string_view path, bool& valid) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  valid = ReadJson(parser, json).get(element) == simdjson::SUCCESS;
  if (!valid) return std::nullopt;
  while (!path.empty()) {
    const std::optional<Step> step = TakeStep(path);
    if (!step) return std::nullopt;
    if (step->index) {
      simdjson::dom::array list;
      if (element.get(list) != simdjson::SUCCESS) return std::nullopt;
      if (list.at(*step->index).get(element) != simdjson::SUCCESS) return std::nullopt;
    } else {
      simdjson::dom::object object;
      if (element.get(object) != simdjson::SUCCESS) return std::nullopt;
      if (object.at_key(step->name).get(element) != simdjson::SUCCESS) return std::nullopt;
    }
  }
  if (element.is_null()) return std::nullopt;
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(element);
}

}  // namespace weir
