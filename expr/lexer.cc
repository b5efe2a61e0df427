#include "expr/lexer.h"

#include <array>

#include <fmt/format.h>

namespace weir {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

struct Unit {
  std::string_view name;
  int64_t micros;
};
constexpr std::array kUnits = {
    Unit{"us", 1},       Unit{"ms", 1000},      Unit{"s", 1000000},
    Unit{"m", 60000000}, Unit{"h", 3600000000}, Unit{"d", 86400000000},
};

/// How another dialect writes it, what it is here, and what to say.
struct Foreign {
  std::string_view spelling;
  std::string_view meant;
  std::string_view cure;
};
constexpr std::array kForeign = {
    Foreign{"==", "=", "equality is '='"},
    Foreign{"&&", "and", "write 'and'"},
};
constexpr std::array<std::string_view, 5> kLongSymbols = {"<=", ">=", "<>", "!=", "||"};
constexpr std::string_view kShortSymbols = "+-*/%=<>().,[]:";

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<ExpressionFault>& faults)
      : text_(text), faults_(faults) {}

  std::vector<Token> Run() {
    while (SkipSpace()) One();
    tokens_.push_back({Token::Kind::kEnd, text_.size(), 0, "", 0});
    return std::move(tokens_);
  }

 private:
  char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  /// False at the end.
  bool SkipSpace() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        at_++;
      } else if (c == '-' && At(at_ + 1) == '-') {
        while (at_ < text_.size() && text_[at_] != '\n') at_++;
      } else {
        return true;
      }
    }
    return false;
  }

  void Push(Token::Kind kind, size_t length, std::string text, int64_t micros = 0) {
    tokens_.push_back({kind, at_, length, std::move(text), micros});
    at_ += length;
  }
  void Fault(size_t length, std::string message, std::string cure = {}) {
    faults_.push_back({at_, length, std::move(message), std::move(cure)});
  }

  void One() {
    const char c = text_[at_];
    if (IsNameStart(c)) {
      size_t end = at_;
      while (IsNamePart(At(end))) end++;
      Push(Token::Kind::kName, end - at_, std::string(text_.substr(at_, end - at_)));
    } else if (IsDigit(c) || (c == '.' && IsDigit(At(at_ + 1)))) {
      Number();
    } else if (c == '\'' || c == '"' || c == '`') {
      Quoted(c);
    } else {
      Symbol();
    }
  }

  void Number() {
    size_t end = at_;
    bool real = false;
    while (IsDigit(At(end))) end++;
    if (At(end) == '.' && (IsDigit(At(end + 1)) || !IsNamePart(At(end + 1)))) {
      real = true;
      end++;
      while (IsDigit(At(end))) end++;
    }
    if (At(end) == 'e' || At(end) == 'E') {
      size_t exponent = end + 1;
      if (At(exponent) == '+' || At(exponent) == '-') exponent++;
      if (IsDigit(At(exponent))) {
        real = true;
        end = exponent;
        while (IsDigit(At(end))) end++;
      }
    }
    const std::string digits(text_.substr(at_, end - at_));
    size_t unit_end = end;
    while (IsNamePart(At(unit_end))) unit_end++;
    if (unit_end == end) {
      Push(real ? Token::Kind::kReal : Token::Kind::kInteger, end - at_, digits);
      return;
    }
    Duration(digits, real, text_.substr(end, unit_end - end), unit_end - at_);
  }

  void Duration(const std::string& digits, bool real, std::string_view unit_name, size_t length) {
    for (const Unit& unit : kUnits) {
      if (unit.name != unit_name || real) continue;
      int64_t micros = 0;
      for (char digit : digits) {
        if (__builtin_mul_overflow(micros, int64_t{10}, &micros) ||
            __builtin_add_overflow(micros, static_cast<int64_t>(digit - '0'), &micros)) {
          micros = -1;
          break;
        }
      }
      if (micros < 0 || __builtin_mul_overflow(micros, unit.micros, &micros)) {
        Fault(length, "the duration is too long");
        micros = 0;
      }
      Push(Token::Kind::kDuration, length, digits + std::string(unit_name), micros);
      return;
    }
    Fault(length,
          fmt::format("'{}' is neither a number nor a duration",
                      text_.substr(at_, std::min<size_t>(length, 40))),
          "durations are whole numbers with us, ms, s, m, h or d, like 250ms or 10s; names that "
          "begin with a digit stand in backticks");
    Push(Token::Kind::kInteger, length, "0");
  }

  void Quoted(char quote) {
    std::string value;
    size_t end = at_ + 1;
    while (true) {
      if (end >= text_.size()) {
        Fault(text_.size() - at_,
              fmt::format("the {} that begins here has no end", quote == '`' ? "name" : "text"),
              fmt::format("end it with {}; a {} inside is written twice", quote, quote));
        break;
      }
      if (text_[end] == quote) {
        if (At(end + 1) != quote) {
          end++;
          break;
        }
        end++;
      }
      value += text_[end++];
    }
    const size_t length = end - at_;
    if (quote == '"') {
      Fault(length, "text stands in single quotes",
            fmt::format("write '{}' for a text or `{}` for a name", value.substr(0, 60),
                        value.substr(0, 60)));
    }
    if (quote == '`' && value.empty()) Fault(length, "the name in backticks is empty");
    Push(quote == '`' ? Token::Kind::kQuotedName : Token::Kind::kText, length, std::move(value));
  }

  void Symbol() {
    const std::string_view rest = text_.substr(at_);
    for (const Foreign& foreign : kForeign) {
      if (!rest.starts_with(foreign.spelling)) continue;
      Fault(2, fmt::format("'{}' is not an operator here", foreign.spelling),
            std::string(foreign.cure));
      Push(foreign.meant == "and" ? Token::Kind::kName : Token::Kind::kSymbol, 2,
           std::string(foreign.meant));
      return;
    }
    if (rest.starts_with("::")) {
      Fault(2, "'::' is not an operator here", "write cast(value as type)");
      at_ = text_.size();
      return;
    }
    for (std::string_view symbol : kLongSymbols) {
      if (!rest.starts_with(symbol)) continue;
      Push(Token::Kind::kSymbol, 2, symbol == "!=" ? "<>" : std::string(symbol));
      return;
    }
    if (rest[0] == '!') {
      Fault(1, "'!' is not an operator here", "write 'not'");
      Push(Token::Kind::kName, 1, "not");
      return;
    }
    if (kShortSymbols.find(rest[0]) != std::string_view::npos) {
      Push(Token::Kind::kSymbol, 1, std::string(1, rest[0]));
      return;
    }
    // A character of any length in UTF-8, so that the message holds it whole.
    size_t length = 1;
    while ((At(at_ + length) & 0xc0) == 0x80) length++;
    const auto byte = static_cast<unsigned char>(rest[0]);
    const bool shows = byte >= 0x20 && byte != 0x7f;
    Fault(length,
          shows
              ? fmt::format("'{}' has no meaning here", rest.substr(0, std::min<size_t>(length, 4)))
              : fmt::format("the character {:#04x} has no meaning here", byte),
          byte >= 0x80 ? "names with such characters stand in backticks" : "");
    at_ += length;
  }

  std::string_view text_;
  std::vector<ExpressionFault>& faults_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

std::vector<Token> Lex(std::string_view text, std::vector<ExpressionFault>& faults) {
  return Lexer(text, faults).Run();
}

}  // namespace weir
