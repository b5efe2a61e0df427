#include "expr/parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "batch/time_text.h"
#include "expr/lexer.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 15> kReserved = {"and",  "or",      "not",  "is",   "null",
                                                        "in",   "between", "like", "case", "when",
                                                        "then", "else",    "end",  "true", "false"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Recursive descent. A syntax fault unwinds as a null tree; only the first is told.
class Parser {
 public:
  Parser(std::string_view text, std::vector<ExpressionFault>& faults)
      : text_(text), faults_(faults), tokens_(Lex(text, faults)) {}

  AstPtr Whole() {
    if (Peek().kind == Token::Kind::kEnd) return Fault(Peek(), "an expression is missing here");
    AstPtr tree = Or();
    if (!tree) return nullptr;
    if (Peek().kind != Token::Kind::kEnd) {
      return Fault(Peek(), fmt::format("{} is not expected here", Show(Peek())), Guess(Peek()));
    }
    return tree;
  }

 private:
  /// Counts nesting for as long as it lives.
  struct Level {
    explicit Level(int& depth_in) : depth(depth_in) { depth++; }
    ~Level() { depth--; }
    int& depth;
  };

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& Next() {
    const Token& token = Peek();
    if (at_ + 1 < tokens_.size()) at_++;
    return token;
  }
  static bool IsWord(const Token& token, std::string_view word) {
    return token.kind == Token::Kind::kName && token.text.size() == word.size() &&
           Lower(token.text) == word;
  }
  static bool IsSymbol(const Token& token, std::string_view symbol) {
    return token.kind == Token::Kind::kSymbol && token.text == symbol;
  }
  bool TakeWord(std::string_view word) {
    if (!IsWord(Peek(), word)) return false;
    Next();
    return true;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (!IsSymbol(Peek(), symbol)) return false;
    Next();
    return true;
  }
  static bool IsReserved(const Token& token) {
    return token.kind == Token::Kind::kName &&
           std::find(kReserved.begin(), kReserved.end(), Lower(token.text)) != kReserved.end();
  }

  std::string Show(const Token& token) const {
    if (token.kind == Token::Kind::kEnd) return "the end";
    return fmt::format("'{}'", text_.substr(token.offset, std::min<size_t>(token.length, 40)));
  }
  std::string Guess(const Token& token) const {
    if (IsWord(token, "over")) {
      return "window functions are not known; a step's 'window' and 'group_by' say what rows are "
             "taken together";
    }
    if (token.kind == Token::Kind::kText) return "a quote inside a text is written twice: 'it''s'";
    return "";
  }
  AstPtr Fault(const Token& token, std::string message, std::string cure = {}) {
    faults_.push_back({token.offset, token.length, std::move(message), std::move(cure)});
    return nullptr;
  }
  bool Expect(std::string_view symbol, std::string_view after) {
    if (TakeSymbol(symbol)) return true;
    Fault(Peek(), fmt::format("expected '{}' {} but found {}", symbol, after, Show(Peek())));
    return false;
  }
  bool ExpectWord(std::string_view word, std::string_view after) {
    if (TakeWord(word)) return true;
    Fault(Peek(), fmt::format("expected '{}' {} but found {}", word, after, Show(Peek())));
    return false;
  }

  AstPtr Make(Ast::Kind kind, size_t offset) {
    auto ast = std::make_unique<Ast>();
    ast->kind = kind;
    ast->offset = offset;
    return ast;
  }
  /// Sets what is known once the node is complete; null where the tree grew beyond its bounds.
  AstPtr Done(AstPtr ast) {
    const Token& last = tokens_[at_ > 0 ? at_ - 1 : 0];
    ast->length = last.offset + last.length - ast->offset;
    for (const AstPtr& child : ast->children) ast->depth = std::max(ast->depth, child->depth + 1);
    if (ast->filter) ast->depth = std::max(ast->depth, ast->filter->depth + 1);
    if (++nodes_ > kMostNodes || ast->depth > kDeepestExpression) return TooDeep();
    return ast;
  }
  AstPtr TooDeep() {
    if (!too_deep_) {
      Fault(
          Peek(),
          nodes_ > kMostNodes ? "the expression is too long" : "the expression is nested too deep",
          "take it apart with columns of 'with'");
    }
    too_deep_ = true;
    return nullptr;
  }

  AstPtr Or() { return Chain(Ast::Kind::kOr, "or"); }
  AstPtr And() { return Chain(Ast::Kind::kAnd, "and"); }

  AstPtr Chain(Ast::Kind kind, std::string_view word) {
    const size_t offset = Peek().offset;
    AstPtr first = kind == Ast::Kind::kOr ? And() : Not();
    if (!first || !IsWord(Peek(), word)) return first;
    AstPtr ast = Make(kind, offset);
    ast->children.push_back(std::move(first));
    while (TakeWord(word)) {
      AstPtr next = kind == Ast::Kind::kOr ? And() : Not();
      if (!next) return nullptr;
      ast->children.push_back(std::move(next));
    }
    return Done(std::move(ast));
  }

  AstPtr Not() {
    if (!IsWord(Peek(), "not")) return Comparison();
    const Level level(depth_);
    if (depth_ > kDeepestExpression) return TooDeep();
    AstPtr ast = Make(Ast::Kind::kNot, Next().offset);
    AstPtr child = Not();
    if (!child) return nullptr;
    ast->children.push_back(std::move(child));
    return Done(std::move(ast));
  }

  static bool IsComparison(const Token& token) {
    static constexpr std::array<std::string_view, 6> kSymbols = {"=", "<>", "<", "<=", ">", ">="};
    return token.kind == Token::Kind::kSymbol &&
           std::find(kSymbols.begin(), kSymbols.end(), token.text) != kSymbols.end();
  }

  AstPtr Comparison() {
    AstPtr left = Joined();
    while (left) {
      const size_t offset = left->offset;
      if (IsComparison(Peek())) {
        AstPtr ast = Make(Ast::Kind::kBinary, offset);
        ast->name_offset = Peek().offset;
        ast->name_length = Peek().length;
        ast->name = Next().text;
        AstPtr right = Joined();
        if (!right) return nullptr;
        ast->children.push_back(std::move(left));
        ast->children.push_back(std::move(right));
        if (IsComparison(Peek())) {
          return Fault(Peek(), "comparisons are not chained", "write a < b and b < c");
        }
        left = Done(std::move(ast));
        continue;
      }
      if (TakeWord("is")) {
        AstPtr ast = Make(Ast::Kind::kIsNull, offset);
        ast->negated = TakeWord("not");
        if (!ExpectWord("null", "after 'is'")) return nullptr;
        ast->children.push_back(std::move(left));
        left = Done(std::move(ast));
        continue;
      }
      const bool negated =
          IsWord(Peek(), "not") &&
          (IsWord(Peek(1), "in") || IsWord(Peek(1), "between") || IsWord(Peek(1), "like"));
      if (negated) Next();
      if (TakeWord("in")) {
        left = In(std::move(left), negated);
      } else if (TakeWord("between")) {
        AstPtr ast = Make(Ast::Kind::kBetween, offset);
        ast->negated = negated;
        AstPtr low = Joined();
        if (!low || !ExpectWord("and", "after the lower bound of 'between'")) return nullptr;
        AstPtr high = Joined();
        if (!high) return nullptr;
        ast->children.push_back(std::move(left));
        ast->children.push_back(std::move(low));
        ast->children.push_back(std::move(high));
        left = Done(std::move(ast));
      } else if (TakeWord("like")) {
        AstPtr ast = Make(Ast::Kind::kLike, offset);
        ast->negated = negated;
        AstPtr pattern = Joined();
        if (!pattern) return nullptr;
        ast->children.push_back(std::move(left));
        ast->children.push_back(std::move(pattern));
        left = Done(std::move(ast));
      } else {
        return left;
      }
    }
    return left;
  }

  AstPtr In(AstPtr value, bool negated) {
    AstPtr ast = Make(Ast::Kind::kIn, value->offset);
    ast->negated = negated;
    ast->children.push_back(std::move(value));
    if (!Expect("(", "after 'in'")) return nullptr;
    if (IsSymbol(Peek(), ")")) return Fault(Peek(), "the list of 'in' is empty");
    do {
      AstPtr item = Or();
      if (!item) return nullptr;
      ast->children.push_back(std::move(item));
    } while (TakeSymbol(","));
    if (!Expect(")", "after the list of 'in'")) return nullptr;
    return Done(std::move(ast));
  }

  AstPtr Joined() { return Binary(0); }

  /// Left-associative operators; level 0 is ||, 1 is + -, 2 is * / %.
  AstPtr Binary(int level) {
    static constexpr std::array<std::string_view, 3> kOperators = {"|", "+-", "*/%"};
    if (level == 3) return Unary();
    AstPtr left = Binary(level + 1);
    while (left && Peek().kind == Token::Kind::kSymbol &&
           kOperators[static_cast<size_t>(level)].find(Peek().text[0]) != std::string_view::npos) {
      AstPtr ast = Make(Ast::Kind::kBinary, left->offset);
      ast->name_offset = Peek().offset;
      ast->name_length = Peek().length;
      ast->name = Next().text;
      AstPtr right = Binary(level + 1);
      if (!right) return nullptr;
      ast->children.push_back(std::move(left));
      ast->children.push_back(std::move(right));
      left = Done(std::move(ast));
    }
    return left;
  }

  AstPtr Unary() {
    const Level level(depth_);
    if (depth_ > kDeepestExpression) return TooDeep();
    if (TakeSymbol("+")) return Unary();
    if (!IsSymbol(Peek(), "-")) return Postfix();
    const size_t offset = Next().offset;
    // `-9223372036854775808` is a number although its digits alone are none.
    const bool number = Peek().kind == Token::Kind::kInteger || Peek().kind == Token::Kind::kReal;
    if (number && !IsSymbol(Peek(1), "[") && !IsSymbol(Peek(1), ".")) {
      return NumberLiteral(Next(), offset, true);
    }
    AstPtr child = Unary();
    if (!child) return nullptr;
    AstPtr ast = Make(Ast::Kind::kNegate, offset);
    ast->children.push_back(std::move(child));
    return Done(std::move(ast));
  }

  AstPtr Postfix() {
    AstPtr value = Primary();
    while (value) {
      const size_t offset = value->offset;
      if (TakeSymbol(".")) {
        const Token& name = Peek();
        if (name.kind != Token::Kind::kName && name.kind != Token::Kind::kQuotedName) {
          return Fault(name,
                       fmt::format("expected a field's name after '.' but found {}", Show(name)));
        }
        Next();
        AstPtr ast = Make(Ast::Kind::kField, offset);
        ast->name = name.text;
        ast->name_offset = name.offset;
        ast->name_length = name.length;
        ast->children.push_back(std::move(value));
        value = Done(std::move(ast));
      } else if (TakeSymbol("[")) {
        AstPtr index = Or();
        if (!index || !Expect("]", "after the index")) return nullptr;
        AstPtr ast = Make(Ast::Kind::kIndex, offset);
        ast->children.push_back(std::move(value));
        ast->children.push_back(std::move(index));
        value = Done(std::move(ast));
      } else {
        return value;
      }
    }
    return value;
  }

  AstPtr Literal(size_t offset, ColumnPtr value) {
    AstPtr ast = Make(Ast::Kind::kLiteral, offset);
    ast->literal = std::move(value);
    return Done(std::move(ast));
  }

  AstPtr NumberLiteral(const Token& token, size_t offset, bool negative) {
    const std::string digits = (negative ? "-" : "") + token.text;
    const char* end = digits.data() + digits.size();
    if (token.kind == Token::Kind::kInteger) {
      int64_t value = 0;
      if (std::from_chars(digits.data(), end, value).ec != std::errc()) {
        return Fault(token, "the number does not fit int64", "write it with a point for a double");
      }
      return Literal(offset, OneValue<int64_t>(TypeKind::kInt64, value));
    }
    double value = 0;
    if (std::from_chars(digits.data(), end, value).ec != std::errc()) {
      return Fault(token, "the number does not fit a double");
    }
    return Literal(offset, OneValue<double>(TypeKind::kDouble, value));
  }

  AstPtr Primary() {
    const Token& token = Peek();
    switch (token.kind) {
      case Token::Kind::kInteger:
      case Token::Kind::kReal:
        Next();
        return NumberLiteral(token, token.offset, false);
      case Token::Kind::kText:
        Next();
        return Literal(token.offset, OneText(TypeKind::kString, token.text));
      case Token::Kind::kDuration:
        Next();
        return Literal(token.offset, OneValue<int64_t>(TypeKind::kDuration, token.micros));
      case Token::Kind::kQuotedName:
        Next();
        return Column(token);
      case Token::Kind::kName:
        return Named(token);
      case Token::Kind::kSymbol:
        if (token.text == "(") {
          Next();
          AstPtr inside = Or();
          if (!inside || !Expect(")", "to close '('")) return nullptr;
          // The parentheses belong to the text of what they hold.
          inside->length = tokens_[at_ - 1].offset + 1 - token.offset;
          inside->offset = token.offset;
          return inside;
        }
        break;
      case Token::Kind::kEnd:
        break;
    }
    return Fault(token, fmt::format("expected a value but found {}", Show(token)), Guess(token));
  }

  AstPtr Column(const Token& token) {
    AstPtr ast = Make(Ast::Kind::kColumn, token.offset);
    ast->name = token.text;
    ast->name_offset = token.offset;
    ast->name_length = token.length;
    return Done(std::move(ast));
  }

  AstPtr Named(const Token& token) {
    const std::string word = Lower(token.text);
    if (word == "true" || word == "false") {
      Next();
      return Literal(token.offset, OneValue<uint8_t>(TypeKind::kBool, word == "true" ? 1 : 0));
    }
    if (word == "null") {
      Next();
      return Literal(token.offset, NullColumn(TypeKind::kNull, 1));
    }
    if (word == "case") return Case();
    if (IsReserved(token)) {
      return Fault(token, fmt::format("expected a value but found {}", Show(token)),
                   "a column of that name stands in backticks");
    }
    if (Peek(1).kind == Token::Kind::kText && (word == "timestamp" || word == "date")) {
      return TimeLiteral(word);
    }
    if (IsSymbol(Peek(1), "(")) {
      if (word == "cast" || word == "try_cast") return Cast(word == "try_cast");
      return Call(word);
    }
    Next();
    return Column(token);
  }

  AstPtr TimeLiteral(const std::string& word) {
    const size_t offset = Next().offset;
    const Token& text = Next();
    if (word == "date") {
      if (const auto days = ParseDate(text.text)) {
        return Literal(offset, OneValue<int32_t>(TypeKind::kDate, *days));
      }
      return Fault(text, "this is not a date", "dates are written date '2026-01-02'");
    }
    if (const auto time = ParseTime(text.text)) {
      return Literal(offset, OneValue<int64_t>(TypeKind::kTimestamp, time->us));
    }
    return Fault(text, "this is not a timestamp",
                 "timestamps are written timestamp '2026-01-02T03:04:05Z'");
  }

  AstPtr Case() {
    AstPtr ast = Make(Ast::Kind::kCase, Next().offset);
    if (!IsWord(Peek(), "when")) {
      AstPtr operand = Or();
      if (!operand) return nullptr;
      ast->has_operand = true;
      ast->children.push_back(std::move(operand));
    }
    if (!IsWord(Peek(), "when")) {
      return Fault(Peek(), fmt::format("expected 'when' but found {}", Show(Peek())));
    }
    while (TakeWord("when")) {
      AstPtr when = Or();
      if (!when || !ExpectWord("then", "after the condition of 'when'")) return nullptr;
      AstPtr then = Or();
      if (!then) return nullptr;
      ast->children.push_back(std::move(when));
      ast->children.push_back(std::move(then));
    }
    if (TakeWord("else")) {
      AstPtr otherwise = Or();
      if (!otherwise) return nullptr;
      ast->has_else = true;
      ast->children.push_back(std::move(otherwise));
    }
    if (!ExpectWord("end", "to close 'case'")) return nullptr;
    return Done(std::move(ast));
  }

  AstPtr Cast(bool lenient) {
    AstPtr ast = Make(Ast::Kind::kCast, Next().offset);
    ast->lenient = lenient;
    Next();
    AstPtr value = Or();
    if (!value || !ExpectWord("as", "after the value of 'cast'")) return nullptr;
    // The type's own parser reads the text up to the parenthesis that closes the cast.
    const size_t begin = Peek().offset;
    int open = 0;
    while (Peek().kind != Token::Kind::kEnd && (open > 0 || !IsSymbol(Peek(), ")"))) {
      if (IsSymbol(Peek(), "(")) open++;
      if (IsSymbol(Peek(), ")")) open--;
      Next();
    }
    const Token& close = Peek();
    const std::string name(text_.substr(begin, close.offset - begin));
    if (!Expect(")", "to close 'cast'")) return nullptr;
    Result<Type> type = Type::Parse(name);
    if (!type.ok()) {
      faults_.push_back({begin, std::max<size_t>(close.offset - begin, 1), type.status().message(),
                         type.status().cure()});
      return nullptr;
    }
    ast->type = *type;
    ast->children.push_back(std::move(value));
    return Done(std::move(ast));
  }

  AstPtr Call(const std::string& word) {
    const Token& name = Next();
    AstPtr ast = Make(Ast::Kind::kCall, name.offset);
    ast->name = word;
    ast->name_offset = name.offset;
    ast->name_length = name.length;
    Next();
    if (word == "extract" && Peek().kind == Token::Kind::kName && IsWord(Peek(1), "from")) {
      const Token& unit = Next();
      AstPtr literal = Literal(unit.offset, OneText(TypeKind::kString, Lower(unit.text)));
      if (!literal) return nullptr;
      ast->children.push_back(std::move(literal));
      Next();
    }
    if (IsSymbol(Peek(), "*") && IsSymbol(Peek(1), ")")) {
      Next();
      ast->star = true;
    } else if (!IsSymbol(Peek(), ")")) {
      ast->distinct = TakeWord("distinct");
      do {
        AstPtr argument = Or();
        if (!argument) return nullptr;
        ast->children.push_back(std::move(argument));
      } while (TakeSymbol(","));
    }
    if (!Expect(")", fmt::format("to close '{}('", name.text.substr(0, 40)))) return nullptr;
    if (IsWord(Peek(), "filter") && IsSymbol(Peek(1), "(")) {
      Next();
      Next();
      if (!ExpectWord("where", "after 'filter ('")) return nullptr;
      ast->filter = Or();
      if (!ast->filter || !Expect(")", "to close 'filter ('")) return nullptr;
    }
    return Done(std::move(ast));
  }

  std::string_view text_;
  std::vector<ExpressionFault>& faults_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t nodes_ = 0;
  int depth_ = 0;
  bool too_deep_ = false;
};

}  // namespace

AstPtr Parse(std::string_view text, std::vector<ExpressionFault>& faults) {
  if (text.size() > kLongestExpression) {
    faults.push_back({0, 1, "the expression is longer than 64 KiB", ""});
    return nullptr;
  }
  return Parser(text, faults).Whole();
}

}  // namespace weir
