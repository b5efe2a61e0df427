// Random expressions, evaluated by column and by a plain interpreter that looks at one row at a
// time. The interpreter shares the parser's tree with the real one and nothing else.

#include <cmath>
#include <random>
#include <variant>

#include <fmt/format.h>

#include "batch/render.h"
#include "expr/harness.h"
#include "expr/parser.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// monostate is null.
using Value = std::variant<std::monostate, bool, int64_t, double, std::string>;
struct RowFailed {};

bool IsNull(const Value& value) { return value.index() == 0; }
double Real(const Value& value) {
  return std::holds_alternative<int64_t>(value) ? static_cast<double>(std::get<int64_t>(value))
                                                : std::get<double>(value);
}
bool AreInts(const Value& a, const Value& b) {
  return std::holds_alternative<int64_t>(a) && std::holds_alternative<int64_t>(b);
}

/// Evaluates one row, with an exception for a row error. Only what the generator below makes.
class Interpreter {
 public:
  Interpreter(const Batch& batch, size_t row) : batch_(batch), row_(row) {}

  Value Run(const Ast& ast) const {
    switch (ast.kind) {
      case Ast::Kind::kLiteral:
        return Cell(*ast.literal, 0);
      case Ast::Kind::kColumn:
        return Cell(batch_.column(static_cast<size_t>(batch_.schema()->Find(ast.name))), row_);
      case Ast::Kind::kNegate: {
        const Value value = Run(*ast.children[0]);
        if (IsNull(value)) return {};
        if (const auto* number = std::get_if<double>(&value)) return -*number;
        if (std::get<int64_t>(value) == INT64_MIN) throw RowFailed();
        return -std::get<int64_t>(value);
      }
      case Ast::Kind::kNot: {
        const Value value = Run(*ast.children[0]);
        if (IsNull(value)) return {};
        return !std::get<bool>(value);
      }
      case Ast::Kind::kAnd:
      case Ast::Kind::kOr:
        return Logic(ast);
      case Ast::Kind::kIsNull:
        return IsNull(Run(*ast.children[0])) != ast.negated;
      case Ast::Kind::kIn:
        return In(ast);
      case Ast::Kind::kBetween: {
        const Value value = Run(*ast.children[0]);
        const Value low = Compare(">=", value, Run(*ast.children[1]));
        if (!IsNull(low) && !std::get<bool>(low)) return ast.negated;
        const Value high = Compare("<=", value, Run(*ast.children[2]));
        if (!IsNull(high) && !std::get<bool>(high)) return ast.negated;
        if (IsNull(low) || IsNull(high)) return {};
        return !ast.negated;
      }
      case Ast::Kind::kCase:
        for (size_t i = 0; i + 1 < ast.children.size(); i += 2) {
          if (IsTrue(Run(*ast.children[i]))) return Run(*ast.children[i + 1]);
        }
        return ast.has_else ? Run(*ast.children.back()) : Value();
      case Ast::Kind::kCall:
        return Call(ast);
      default:
        return Binary(ast);
    }
  }

 private:
  static Value Cell(const Column& column, size_t row) {
    if (column.IsNull(row)) return {};
    switch (column.type().kind()) {
      case TypeKind::kBool:
        return column.values<uint8_t>()[row] != 0;
      case TypeKind::kInt32:
        return int64_t{column.values<int32_t>()[row]};
      case TypeKind::kInt64:
        return column.values<int64_t>()[row];
      case TypeKind::kDouble:
        return column.values<double>()[row];
      default:
        return std::string(column.text(row));
    }
  }
  static bool IsTrue(const Value& value) { return !IsNull(value) && std::get<bool>(value); }

  Value Logic(const Ast& ast) const {
    const bool decided = ast.kind == Ast::Kind::kOr;
    bool unknown = false;
    for (const AstPtr& child : ast.children) {
      const Value value = Run(*child);
      if (IsNull(value)) {
        unknown = true;
      } else if (std::get<bool>(value) == decided) {
        return decided;
      }
    }
    return unknown ? Value() : Value(!decided);
  }

  Value In(const Ast& ast) const {
    const Value value = Run(*ast.children[0]);
    bool unknown = false;
    for (size_t i = 1; i < ast.children.size(); i++) {
      const Value equal = Compare("=", value, Run(*ast.children[i]));
      if (IsNull(equal)) {
        unknown = true;
      } else if (std::get<bool>(equal)) {
        return !ast.negated;
      }
    }
    return unknown ? Value() : Value(ast.negated);
  }

  static Value Compare(std::string_view op, const Value& a, const Value& b) {
    if (IsNull(a) || IsNull(b)) return {};
    int order = 0;
    if (const auto* text = std::get_if<std::string>(&a)) {
      order = text->compare(std::get<std::string>(b));
    } else if (AreInts(a, b)) {
      order = std::get<int64_t>(a) < std::get<int64_t>(b)   ? -1
              : std::get<int64_t>(a) > std::get<int64_t>(b) ? 1
                                                            : 0;
    } else {
      order = Real(a) < Real(b) ? -1 : Real(a) > Real(b) ? 1 : 0;
    }
    if (op == "=") return order == 0;
    if (op == "<>") return order != 0;
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    return op == ">" ? order > 0 : order >= 0;
  }

  Value Binary(const Ast& ast) const {
    const Value a = Run(*ast.children[0]);
    const Value b = Run(*ast.children[1]);
    const char op = ast.name[0];
    if (ast.name != "||" && std::string_view("+-*/%").find(op) == std::string_view::npos) {
      return Compare(ast.name, a, b);
    }
    if (IsNull(a) || IsNull(b)) return {};
    if (ast.name == "||") return std::get<std::string>(a) + std::get<std::string>(b);
    if (AreInts(a, b)) {
      const auto x = static_cast<Int128>(std::get<int64_t>(a));
      const auto y = static_cast<Int128>(std::get<int64_t>(b));
      if ((op == '/' || op == '%') && y == 0) throw RowFailed();
      const Int128 result = op == '+'   ? x + y
                            : op == '-' ? x - y
                            : op == '*' ? x * y
                            : op == '/' ? x / y
                                        : x % y;
      if (result > INT64_MAX || result < INT64_MIN) throw RowFailed();
      return static_cast<int64_t>(result);
    }
    const double x = Real(a);
    const double y = Real(b);
    if ((op == '/' || op == '%') && y == 0) throw RowFailed();
    return op == '+'   ? x + y
           : op == '-' ? x - y
           : op == '*' ? x * y
           : op == '/' ? x / y
                       : std::fmod(x, y);
  }

  Value Call(const Ast& ast) const {
    if (ast.name == "if") return Run(*ast.children[IsTrue(Run(*ast.children[0])) ? 1 : 2]);
    if (ast.name == "coalesce") {
      for (const AstPtr& child : ast.children) {
        Value value = Run(*child);
        if (!IsNull(value)) return value;
      }
      return {};
    }
    const Value value = Run(*ast.children[0]);
    if (IsNull(value)) return {};
    if (ast.name == "length") return static_cast<int64_t>(std::get<std::string>(value).size());
    const int64_t number = std::get<int64_t>(value);
    if (number == INT64_MIN) throw RowFailed();
    return number < 0 ? -number : number;
  }

  const Batch& batch_;
  size_t row_;
};

/// Makes expressions of a wanted type.
class Generator {
 public:
  explicit Generator(std::mt19937& random) : random_(random) {}

  std::string Int(int depth) {
    switch (depth <= 0 ? Upto(4) : Upto(12)) {
      case 0:
        return "i";
      case 1:
        return "n";
      case 2:
        return Pick({"0", "1", "-3", "7", "9223372036854775807"});
      case 3:
        return Pick({"i", "k", "null + 1"});
      case 4:
        return "if(" + Bool(depth - 1) + ", " + Int(depth - 1) + ", " + Int(depth - 1) + ")";
      case 5:
        return "coalesce(" + Int(depth - 1) + ", " + Int(depth - 1) + ", " + Int(depth - 1) + ")";
      case 6:
        return "case when " + Bool(depth - 1) + " then " + Int(depth - 1) + " when " +
               Bool(depth - 1) + " then " + Int(depth - 1) +
               (Upto(2) == 0 ? " end" : " else " + Int(depth - 1) + " end");
      case 7:
        return Pick({"abs(" + Int(depth - 1) + ")", "length(" + Text(depth - 1) + ")",
                     "-(" + Int(depth - 1) + ")"});
      default:
        return "(" + Int(depth - 1) + Pick({" + ", " - ", " * ", " / ", " % "}) + Int(depth - 1) +
               ")";
    }
  }
  std::string Double(int depth) {
    switch (depth <= 0 ? Upto(2) : Upto(6)) {
      case 0:
        return "d";
      case 1:
        return Pick({"0.0", "1.5", "-2.25", "d"});
      case 2:
        return "if(" + Bool(depth - 1) + ", " + Double(depth - 1) + ", " + Int(depth - 1) +
               " * 1.0)";
      default:
        return "(" + Double(depth - 1) + Pick({" + ", " - ", " * ", " / ", " % "}) +
               (Upto(2) == 0 ? Int(depth - 1) : Double(depth - 1)) + ")";
    }
  }
  std::string Text(int depth) {
    switch (depth <= 0 ? Upto(2) : Upto(4)) {
      case 0:
        return "t";
      case 1:
        return Pick({"''", "'a'", "'N/A'", "u"});
      case 2:
        return "coalesce(" + Text(depth - 1) + ", " + Text(depth - 1) + ")";
      default:
        return "(" + Text(depth - 1) + " || " + Text(depth - 1) + ")";
    }
  }
  std::string Bool(int depth) {
    const std::string compare = Pick({" = ", " <> ", " < ", " <= ", " > ", " >= "});
    switch (depth <= 0 ? Upto(4) : Upto(11)) {
      case 0:
        return "b";
      case 1:
        return Pick({"true", "false", "(null = 1)", "c"});
      case 2:
        return "(n" + compare + Pick({"1", "3", "99999999999", "i"}) + ")";
      case 3:
        return "(t" + compare + Pick({"'a'", "''", "u"}) + ")";
      case 4:
        return "(" + Bool(depth - 1) + " and " + Bool(depth - 1) + " and " + Bool(depth - 1) + ")";
      case 5:
        return "(" + Bool(depth - 1) + " or " + Bool(depth - 1) + ")";
      case 6:
        return "not (" + Bool(depth - 1) + ")";
      case 7:
        return "(" + Int(depth - 1) + compare + Pick({Int(depth - 1), Double(depth - 1)}) + ")";
      case 8:
        return "(" + Text(depth - 1) + Pick({" in ", " not in "}) +
               Pick({"('a', '')", "('a', null)", "(u, 'x')",
                     "('a','b','c','d','e','f','g','h','i')"}) +
               ")";
      case 9:
        return "(" + Int(depth - 1) + Pick({" in ", " not in "}) +
               Pick({"(0, 1, 7)", "(1, null)", "(n, " + Int(depth - 1) + ")",
                     "(1,2,3,4,5,6,7,8,9,10)", "(1, 2.5)"}) +
               ")";
      default:
        return "(" + Int(depth - 1) + Pick({" between ", " not between "}) + Int(depth - 1) +
               " and " + Int(depth - 1) + Pick({") is null", ")", ") is not null"});
    }
  }

 private:
  size_t Upto(size_t n) { return random_() % n; }
  std::string Pick(const std::vector<std::string>& from) { return from[Upto(from.size())]; }
  std::mt19937& random_;
};

std::string Show(const Value& value) {
  std::string text;
  if (IsNull(value)) return "null";
  if (const auto* yes = std::get_if<bool>(&value)) return *yes ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) {
    AppendDouble(text, *real);
  } else {
    AppendJsonString(text, std::get<std::string>(value));
  }
  return text;
}

TEST_CASE("columns give what a row at a time gives") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Generator generator(random);
  const SchemaPtr schema =
      testing::SchemaOf("i int64, k int64, n int32, d double, t string, u string, b bool, c bool");
  const Scope scope{schema, "rows", {}};
  const EvalContext context;
  size_t failed = 0;
  size_t succeeded = 0;
  for (int round = 0; round < 3000; round++) {
    const bool nulls = round % 2 == 1;
    BatchBuilder builder(schema);
    const size_t rows = 1 + random() % 12;
    for (size_t r = 0; r < rows; r++) {
      for (size_t column = 0; column < schema->size(); column++) {
        ColumnBuilder& out = builder.column(column);
        if (nulls && random() % 4 == 0) {
          out.AppendNull();
        } else if ((*schema)[column].type.Is(TypeKind::kInt64)) {
          out.Append<int64_t>(random() % 20 == 0 ? INT64_MIN
                                                 : static_cast<int64_t>(random() % 7) - 3);
        } else if ((*schema)[column].type.Is(TypeKind::kInt32)) {
          out.Append<int32_t>(static_cast<int32_t>(random() % 5));
        } else if ((*schema)[column].type.Is(TypeKind::kDouble)) {
          out.Append<double>((static_cast<double>(random() % 9) - 4) / 2);
        } else if ((*schema)[column].type.Is(TypeKind::kBool)) {
          out.AppendBool(random() % 2 == 0);
        } else {
          out.AppendText(std::vector<std::string>{"", "a", "N/A", "bc"}[random() % 4]);
        }
      }
    }
    const BatchPtr batch = builder.Finish();
    const int depth = static_cast<int>(random() % 5);
    const std::string text = random() % 3 == 0   ? generator.Bool(depth)
                             : random() % 3 == 0 ? generator.Double(depth)
                             : random() % 3 == 0 ? generator.Text(depth)
                                                 : generator.Int(depth);
    INFO("round " << round << ": " << text);
    std::vector<ExpressionFault> faults;
    const ExpressionPtr expression = BindExpression(text, scope, faults);
    INFO(testing::Show(faults));
    REQUIRE(expression);
    std::vector<RowError> errors;
    const ColumnPtr values = expression->Evaluate(*batch, context, errors);
    const AstPtr ast = Parse(text, faults);
    size_t error = 0;
    for (size_t row = 0; row < rows; row++) {
      std::string expected;
      try {
        expected = Show(Interpreter(*batch, row).Run(*ast));
        // Of an if or coalesce with one double, the int is a double.
        if (expression->type().Is(TypeKind::kDouble) && expected != "null" &&
            expected.find_first_of(".e") == std::string::npos) {
          expected += ".0";
        }
      } catch (const RowFailed&) {
        expected = "failed";
      }
      std::string given;
      if (error < errors.size() && errors[error].row == row) {
        given = "failed";
        error++;
      } else {
        AppendJsonValue(given, *values, row);
      }
      INFO("row " << row << ": " << [&] {
        std::string shown;
        for (const ColumnPtr& column : batch->columns()) {
          AppendJsonValue(shown, *column, row);
          shown += ' ';
        }
        return shown;
      }());
      REQUIRE(given == expected);
      (given == "failed" ? failed : succeeded)++;
    }
    REQUIRE(error == errors.size());
  }
  CHECK(failed > 300);
  CHECK(succeeded > 5000);
}

}  // namespace
}  // namespace weir
