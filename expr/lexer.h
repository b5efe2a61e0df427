#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "expr/expression.h"

namespace weir {

/// One word of an expression, with its place in bytes.
struct Token {
  enum class Kind {
    kName,        ///< `price`; keywords are names too, the parser tells them apart.
    kQuotedName,  ///< In backticks: never a keyword.
    kInteger,
    kReal,
    kText,      ///< In single quotes, `''` undone.
    kDuration,  ///< `5m`.
    kSymbol,    ///< An operator or punctuation; `text` is its plain spelling.
    kEnd,
  };
  Kind kind = Kind::kEnd;
  size_t offset = 0;
  size_t length = 0;
  std::string text;
  int64_t micros = 0;  ///< Of a duration.
};

/// Cuts an expression into tokens, ended by a kEnd. `--` begins a comment up to the line's end.
/// Spellings of other dialects (`==`, `&&`, `!`, double quotes) become a fault with a hint and the
/// token that was meant, so that one run finds the other faults too.
std::vector<Token> Lex(std::string_view text, std::vector<ExpressionFault>& faults);

}  // namespace weir
