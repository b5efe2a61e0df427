#include "config/yaml_scalar.h"

#include <cstdlib>

#include "config/errors.h"

namespace weir {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsVariableName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name) {
    if (!IsWordCharacter(c) || static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

bool IsText(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0 || text[0] == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

std::optional<std::string> LookUp(std::string_view name, const Variables& variables) {
  const auto given = variables.given.find(name);
  if (given != variables.given.end()) return given->second;
  if (!variables.environment) return std::nullopt;
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace

void OpenState::Scan(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if ((c == '\'' || c == '"' || c == '`') && (i == 0 || !IsWordCharacter(text[i - 1]))) {
      quote = c;  // After a letter it is an apostrophe.
    } else if (c == '(') {
      ++parentheses;
    } else if (c == ')') {
      --parentheses;
    }
  }
}

std::optional<OpenState> FindCut(std::string_view source, const ScalarPlace& found,
                                 std::string_view value, bool in_flow) {
  if (!found.exact) return std::nullopt;
  size_t next = found.end;
  while (next < source.size() && (source[next] == ' ' || source[next] == '\t')) ++next;
  if (next >= source.size()) return std::nullopt;
  const bool comment = source[next] == '#' && next > found.end;
  const bool comma = source[next] == ',' && in_flow;
  if (!comment && !comma) return std::nullopt;
  OpenState state;
  state.Scan(value);
  if (!state.open()) return std::nullopt;
  if (state.quote != '\0') {  // Only a cut if the quote ends behind it.
    const std::string_view rest = source.substr(next, source.find('\n', next) - next);
    if (rest.find(state.quote) == std::string_view::npos) return std::nullopt;
  }
  return state;
}

bool QuoteThenMore(std::string_view line) {
  size_t at = line.find_first_not_of(" -{[");
  if (at == std::string_view::npos) return false;
  if (const size_t colon = line.find(": "); colon != std::string_view::npos) {
    at = line.find_first_not_of(' ', colon + 1);
  }
  if (at == std::string_view::npos || (line[at] != '\'' && line[at] != '"')) return false;
  const size_t close = line.find(line[at], at + 1);
  if (close == std::string_view::npos) return false;
  const size_t more = line.find_first_not_of(" \r", close + 1);
  return more != std::string_view::npos &&
         std::string_view(",]}#:").find(line[more]) == std::string_view::npos;
}

FilledText FillVariables(const std::string& text, const TextMap& map, const SourceIndex& index,
                         const Variables& variables, size_t& budget, Diagnostics& diagnostics) {
  FilledText filled;
  const auto fault = [&](const ErrorCode& code, size_t at, std::string message, std::string cure,
                         size_t length) {
    diagnostics.Error(code, index.At(map.SourceAt(at)), std::move(message), std::move(cure),
                      length);
    filled.faulty = true;
  };
  const auto append = [&](std::string_view piece, size_t at) {
    if (piece.size() > budget) {
      budget = 0;
      fault(errors::kTooMuchYaml, at, "filling in variables makes the file longer than 1 MiB", {},
            1);
      return;
    }
    budget -= piece.size();
    filled.text += piece;
  };
  filled.faulty = budget == 0;  // Told where it ran out.
  size_t at = 0;
  while (at < text.size() && budget > 0) {
    const size_t dollar = std::min(text.find('$', at), text.size());
    if (dollar > at) {
      map.CopyRange(at, dollar, filled.text.size(), filled.map);
      append(std::string_view(text).substr(at, dollar - at), at);
    }
    at = dollar;
    if (at == text.size()) break;
    filled.map.Add(filled.text.size(), map.SourceAt(at), false);
    if (text.compare(at, 2, "${") != 0) {
      append("$", at);
      at += text.compare(at, 2, "$$") == 0 ? 2 : 1;
      continue;
    }
    const size_t close = text.find('}', at);
    if (close == std::string::npos) {
      fault(errors::kMissingVariable, at, "a '${' without its '}'", "write $$ for a plain $", 2);
      break;
    }
    const std::string_view inside = std::string_view(text).substr(at + 2, close - at - 2);
    const size_t split = inside.find(":-");
    const std::string_view name = inside.substr(0, split);
    const size_t length = CharacterCount(inside) + 3;
    if (!IsVariableName(name)) {
      fault(errors::kMissingVariable, at, Quoted(name) + " is no name of a variable",
            "write $$ for a plain $", length);
    } else {
      std::optional<std::string> value = LookUp(name, variables);
      if (split != std::string_view::npos && (!value || value->empty())) {
        value = std::string(inside.substr(split + 2));
      }
      if (!value) {
        fault(errors::kMissingVariable, at, "the variable " + Quoted(name) + " is not set",
              "set it in the environment or by --var " + std::string(name.substr(0, 60)) +
                  "=VALUE, or give a default: ${" + std::string(name.substr(0, 60)) + ":-VALUE}",
              length);
      } else if (!IsText(*value)) {
        fault(errors::kMissingVariable, at,
              "the variable " + Quoted(name) + " holds bytes that are not UTF-8 text", {}, length);
      } else {
        append(*value, at);
      }
    }
    at = close + 1;
  }
  filled.map.Add(filled.text.size(), map.SourceAt(text.size()), false);
  return filled;
}

}  // namespace weir
