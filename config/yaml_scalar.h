#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "config/yaml_data.h"

/// What happens to a scalar's text between YAML and the user's meaning. Used by `yaml.cc` only.
namespace weir {

/// What a piece of an expression has left open: parentheses, and a quote of SQL.
struct OpenState {
  int parentheses = 0;
  char quote = '\0';
  bool open() const { return parentheses > 0 || quote != '\0'; }
  /// Goes on over `text`, the next piece.
  void Scan(std::string_view text);
};

/// YAML ends a plain text at ` #` and, inside `{ }` and `[ ]`, at a comma. Where that happened in
/// the middle of an expression, what it left open; otherwise none.
std::optional<OpenState> FindCut(std::string_view source, const ScalarPlace& found,
                                 std::string_view value, bool in_flow);

/// Whether `line` holds `key: 'text' more`: an expression that begins with a quote.
bool QuoteThenMore(std::string_view line);

struct FilledText {
  std::string text;
  TextMap map;
  bool faulty = false;
};

/// Fills `${NAME}` and `${NAME:-default}`, and makes `$$` a `$`. What is filled in is not looked at
/// again. `budget` bounds the bytes of all texts of a file.
FilledText FillVariables(const std::string& text, const TextMap& map, const SourceIndex& index,
                         const Variables& variables, size_t& budget, Diagnostics& diagnostics);

}  // namespace weir
