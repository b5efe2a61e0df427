#include <random>

#include "expr/harness.h"
#include "expr/lexer.h"
#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("no bytes make the expression reader crash, hang or point outside of the text") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto upto = [&](size_t n) { return random() % n; };
  const BatchPtr rows = testing::Rows(
      "a int64, b double, t string, s list<string>, e timestamp, n int32, f bool",
      "1 2.5 'x' list('p','q') '2026-01-02' 3 true | null null null list('') null null null");
  const Scope scope{rows->schema(), "rows", {}};
  const std::vector<std::string> seeds = {
      "if(count_if(t = 'order_checkout') > 0, count_if(t not in ('', 'N/A')), 0)",
      "case when within_box(b, b, 40.632, -73.800, 40.654, -73.761) then 'JFK' when f then t end",
      "date_diff('minute', e, e + 5m) between 1 and a % 3 or not f",
      "cast(100 * a / n as double) || try_cast(t as decimal(9,2))",
      "s[1] like '%a_b\\%' and concat(t, '/', e) is not null and `t` >= \"x\"",
      "collect_set(t) filter (where t not in ('', 'N/A')) -- comment",
      "regexp_extract(t, '([a-z]+)', 1) = substr(t, -2, 9) && json_get(t, 'a.b[0]') == lower(t)",
      "extract(hour from e) + greatest(a, n, 1e3) - coalesce(-a, abs(n), round(b, 2))",
      "format_time(e, '%Y-%m-%d %H:%M:%S.%f %z', 'Europe/Zurich') in (t, 'x')",
      "hash(a, t) % 7 = pow(b, 2) and size(split(t, ',')) > length(base64(t))"};
  const std::vector<std::string> words = {"(",
                                          ")",
                                          ",",
                                          "'",
                                          "''",
                                          "`",
                                          "\"",
                                          "and",
                                          "or",
                                          "not",
                                          "case",
                                          "when",
                                          "then",
                                          "end",
                                          "[",
                                          "]",
                                          ".",
                                          "null",
                                          "9223372036854775807",
                                          "-",
                                          "1e308",
                                          "5m",
                                          "in",
                                          "::",
                                          "is",
                                          "cast(",
                                          "as",
                                          "int64",
                                          "decimal(38,38)",
                                          "list<",
                                          "filter (where ",
                                          "*",
                                          "distinct ",
                                          "\xff",
                                          "\0x",
                                          "%"};
  const EvalContext context;
  int bound = 0;
  for (int round = 0; round < 6000; round++) {
    std::string text;
    if (round % 10 == 0) {
      for (size_t n = upto(200); n > 0; n--) text += static_cast<char>(upto(256));
    } else {
      text = seeds[upto(seeds.size())];
      for (size_t n = upto(4); n > 0; n--) {
        const size_t at = upto(text.size() + 1);
        switch (upto(4)) {
          case 0:
            text.insert(at, words[upto(words.size())]);
            break;
          case 1:
            text.erase(at, upto(8));
            break;
          case 2:
            if (at < text.size()) text[at] = static_cast<char>(upto(256));
            break;
          default: {
            const std::string& other = seeds[upto(seeds.size())];
            const size_t from = upto(other.size());
            text.insert(at, other.substr(from, upto(30)));
          }
        }
        if (text.empty()) text = "a";
      }
    }
    INFO("round " << round << ": " << text);
    std::vector<ExpressionFault> faults;
    const ExpressionPtr expression = BindExpression(text, scope, faults);
    REQUIRE((expression != nullptr) == faults.empty());
    for (const ExpressionFault& fault : faults) {
      REQUIRE(fault.offset <= text.size());
      REQUIRE(fault.offset + fault.length <= text.size() + 1);
      REQUIRE_FALSE(fault.message.empty());
      REQUIRE(fault.message.size() < 2000);
    }
    if (expression) {
      bound++;
      std::vector<RowError> errors;
      const ColumnPtr values = expression->Evaluate(*rows, context, errors);
      REQUIRE(values->size() == rows->rows());
      for (const RowError& error : errors) REQUIRE(error.reason.size() < 2000);
    }
    HasAggregate(text);
    std::vector<std::pair<int, ExpressionFault>> grouped;
    BindGrouped({{0, text}}, {}, scope, scope, grouped);
  }
  CHECK(bound > 100);
}

TEST_CASE("tokens lie in the text, in order") {
  std::vector<ExpressionFault> faults;
  const std::vector<Token> tokens = Lex("a.b>=1.5 and t<>'it''s' -- end", faults);
  CHECK(faults.empty());
  std::string spelled;
  size_t end = 0;
  for (const Token& token : tokens) {
    CHECK(token.offset >= end);
    end = token.offset + token.length;
    spelled += token.text + "|";
  }
  CHECK(spelled == "a|.|b|>=|1.5|and|t|<>|it's||");
}

}  // namespace
}  // namespace weir
