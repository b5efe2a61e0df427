#include "expr/expression.h"

#include "expr/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Evaluate;
using testing::Rows;

TEST_CASE("numbers follow their types") {
  CHECK(Evaluate("7 / 2") == "3");
  CHECK(Evaluate("-7 / 2") == "-3");
  CHECK(Evaluate("-7 % 2") == "-1");
  CHECK(Evaluate("7 / 2.0") == "3.5");
  CHECK(Evaluate("1 + 2 * 3 - -4") == "11");
  CHECK(Evaluate("(1 + 2) * 3") == "9");
  CHECK(Evaluate("74 / 2 = 37") == "true");
  CHECK(Evaluate("cast(100 * 15 / 40 as double)") == "37.0");
  CHECK(Evaluate("-9223372036854775808") == "-9223372036854775808");
  CHECK(Evaluate("9223372036854775807 + 1") == "!9223372036854775807 + 1: overflow of int64");
  CHECK(Evaluate("-9223372036854775808 / -1") == "!-9223372036854775808 / -1: overflow of int64");
  CHECK(Evaluate("-9223372036854775808 % -1") == "0");
  CHECK(Evaluate("1.5e3") == "1500.0");
}

TEST_CASE("decimals are exact and overflow is a row error") {
  CHECK(Evaluate("cast('0.10' as decimal(5,2)) + cast('0.2' as decimal(5,1))") == "0.30");
  CHECK(Evaluate("cast('1.5' as decimal(3,1)) * cast('0.25' as decimal(3,2))") == "0.375");
  CHECK(Evaluate("cast('1.5' as decimal(3,1)) - 2") == "-0.5");
  CHECK(Evaluate("cast('1.50' as decimal(5,2)) = cast('1.5' as decimal(2,1))") == "true");
  CHECK(Evaluate("cast('1.5' as decimal(2,1)) / 2") == "0.75");
  CHECK(Evaluate("cast(2.345 as decimal(9,2))") == "2.35");
  CHECK(Evaluate("cast(-2.345 as decimal(9,2))") == "-2.35");
  CHECK(Evaluate("cast(5e-324 as decimal(9,2))") == "0.00");
  CHECK(Evaluate("cast('1.00499999999999999999999999999999999999999999' as decimal(9,2))") ==
        "1.00");
  CHECK(Evaluate("try_cast(1e300 as decimal(38,0))") == "null");
  CHECK(Evaluate("try_cast('123.4' as decimal(3,1))") == "null");
  CHECK(Evaluate("cast('99999999999999999999999999999999999999' as decimal(38,0)) + 1") ==
        "!cast('99999999999999999999999999999999999999' as decimal(38,0)) + 1: overflow of "
        "decimal(38,0)");
}

TEST_CASE("a failed row names the expression and the values that broke it") {
  const BatchPtr rows = Rows("price double, size int64", "12.5 0 | 10 4 | null 0 | 1 null");
  CHECK(Evaluate("price / size", *rows) ==
        "!price / size: division by zero (price = 12.5, size = 0) 2.5 null null");
  CHECK(Evaluate("1 / size + 1", *rows) ==
        "!1 / size: division by zero (size = 0) 1 "
        "!1 / size: division by zero (size = 0) null");
  const BatchPtr text = Rows("t string", "'" + std::string(3000, 'x') + "'");
  const std::string shown = Evaluate("cast(t as int64)", *text);
  CHECK(shown.size() < 400);
  CHECK(shown.starts_with("!cast(t as int64): \"xxxx"));
}

TEST_CASE("null is unknown") {
  CHECK(Evaluate("null and false") == "false");
  CHECK(Evaluate("false and null") == "false");
  CHECK(Evaluate("null and true") == "null");
  CHECK(Evaluate("null or true") == "true");
  CHECK(Evaluate("null or false") == "null");
  CHECK(Evaluate("not null") == "null");
  CHECK(Evaluate("null = null") == "null");
  CHECK(Evaluate("null is null") == "true");
  CHECK(Evaluate("1 in (1, null)") == "true");
  CHECK(Evaluate("2 in (1, null)") == "null");
  CHECK(Evaluate("2 not in (1, null)") == "null");
  CHECK(Evaluate("1 not in (1, null)") == "false");
  CHECK(Evaluate("null in (1, 2)") == "null");
  CHECK(Evaluate("1 + null") == "null");
  CHECK(Evaluate("lower(null)") == "null");
  CHECK(Evaluate("null between 1 and 2") == "null");
  CHECK(Evaluate("3 between 4 and null") == "false");
  CHECK(Evaluate("concat('a', null)") == "null");
}

TEST_CASE("conditions over columns") {
  const BatchPtr rows =
      Rows("event_type string, product_type string, price double, userid int32",
           "'order_checkout' 'N/A' 51 7 | 'home_page' '' 50 8 | null 'AirPods' 50.5 null");
  CHECK(Evaluate("product_type not in ('', 'N/A')", *rows) == "false false true");
  CHECK(Evaluate("product_type in ('a','b','c','d','e','f','g','h','i','')", *rows) ==
        "false true false");
  CHECK(Evaluate("event_type = 'order_checkout'", *rows) == "true false null");
  CHECK(Evaluate("'order_checkout' <> event_type", *rows) == "false true null");
  CHECK(Evaluate("price > 50", *rows) == "true false true");
  CHECK(Evaluate("50 >= price", *rows) == "false true false");
  CHECK(Evaluate("userid = 7", *rows) == "true false null");
  CHECK(Evaluate("userid in (8, 9)", *rows) == "false true null");
  CHECK(Evaluate("userid = 99999999999", *rows) == "false false null");
  CHECK(Evaluate("userid in (7, 99999999999)", *rows) == "true false null");
  CHECK(Evaluate("event_type like 'order%' or price between 50 and 50.2", *rows) ==
        "true true null");
  CHECK(Evaluate("event_type is null", *rows) == "false false true");
  CHECK(Evaluate("stock.price * 2", *rows) == "102.0 100.0 101.0");
  CHECK(Evaluate("`price` > 50 and not (`userid` < 8)", *rows) == "false false null");
  CHECK(Evaluate("product_type > event_type", *rows) == "false false null");
}

TEST_CASE("like") {
  CHECK(Evaluate("'abc' like 'abc'") == "true");
  CHECK(Evaluate("'abc' like 'a%'") == "true");
  CHECK(Evaluate("'abc' like '%c'") == "true");
  CHECK(Evaluate("'abc' like '%b%'") == "true");
  CHECK(Evaluate("'abc' like '%d%'") == "false");
  CHECK(Evaluate("'abc' like 'a_c'") == "true");
  CHECK(Evaluate("'aüc' like 'a_c'") == "true");
  CHECK(Evaluate("'abc' like '_'") == "false");
  CHECK(Evaluate("'' like '%'") == "true");
  CHECK(Evaluate("'' like ''") == "true");
  CHECK(Evaluate("'a%c' like 'a\\%c'") == "true");
  CHECK(Evaluate("'abc' like 'a\\%c'") == "false");
  CHECK(Evaluate("'aXbXb' like 'a%b'") == "true");
  CHECK(Evaluate("'ab' like 'ab%b'") == "false");
  CHECK(Evaluate("'abc' not like 'a%'") == "false");
  CHECK(Evaluate("'aaaa' like '%a_a%'") == "true");
}

TEST_CASE("errors of a branch that is not taken do not count") {
  const BatchPtr rows = Rows("x int64", "0 | 2 | null | 0");
  CHECK(Evaluate("if(x = 0, 0, 10 / x)", *rows) == "0 5 null 0");
  CHECK(Evaluate("case when x = 0 then -1 when 10 / x > 4 then 1 else 10 / x end", *rows) ==
        "-1 1 null -1");
  CHECK(Evaluate("x <> 0 and 10 / x > 4", *rows) == "false true null false");
  CHECK(Evaluate("x = 0 or 10 / x > 4", *rows) == "true true null true");
  CHECK(Evaluate("coalesce(nullif(x, 0), 10 / (x + 1))", *rows) == "10 2 null 10");
  CHECK(Evaluate("10 / x > 4 and x <> 0", *rows) ==
        "!10 / x: division by zero (x = 0) true null !10 / x: division by zero (x = 0)");
  CHECK(Evaluate("case x when 0 then 'none' when 2 then 'two' end", *rows) ==
        "\"none\" \"two\" null \"none\"");
  CHECK(Evaluate("if(x > 0, 1, 2.5)", *rows) == "2.5 1.0 2.5 2.5");
  CHECK(Evaluate("coalesce(x, x + 1, 7)", *rows) == "0 2 7 0");
}

TEST_CASE("casts") {
  CHECK(Evaluate("cast('12' as int64) + 1") == "13");
  CHECK(Evaluate("cast(1.9 as int64)") == "1");
  CHECK(Evaluate("cast(-1.9 as int64)") == "-1");
  CHECK(Evaluate("cast('x' as int64)") == "!cast('x' as int64): \"x\" does not convert to int64");
  CHECK(Evaluate("try_cast('x' as int64)") == "null");
  CHECK(Evaluate("cast(3000000000 as int32)") ==
        "!cast(3000000000 as int32): 3000000000 does not convert to int32");
  CHECK(Evaluate("cast(1e300 as int64)") ==
        "!cast(1e300 as int64): 1e+300 does not convert to int64");
  CHECK(Evaluate("cast(5 as string) || 'a'") == "\"5a\"");
  CHECK(Evaluate("cast(37 as double)") == "37.0");
  CHECK(Evaluate("cast(37.0 as string)") == "\"37.0\"");
  CHECK(Evaluate("cast('true' as bool)") == "true");
  CHECK(Evaluate("cast(1598850662992 as timestamp)") == "1598850662992");
  CHECK(Evaluate("cast(timestamp '2026-01-02T03:04:05.678Z' as string)") ==
        "\"2026-01-02T03:04:05.678Z\"");
  CHECK(Evaluate("cast(timestamp '2026-01-02 03:04:05' as int64)") == "1767323045000");
  CHECK(Evaluate("cast('2026-01-02' as date)") == "\"2026-01-02\"");
  CHECK(Evaluate("cast(timestamp '1969-12-31T23:00:00Z' as date)") == "\"1969-12-31\"");
  CHECK(Evaluate("cast(date '2026-01-02' as timestamp)") == "1767312000000");
  CHECK(Evaluate("cast('{\"a\": 1}' as json)") == "{\"a\": 1}");
  CHECK(Evaluate("try_cast('{\"a\"' as json)") == "null");
  CHECK(Evaluate("cast(list(1, 2) as string)") == "\"[1,2]\"");
  CHECK(Evaluate("cast(unbase64('/w==') as string)") ==
        "!cast(unbase64('/w==') as string): \"/w==\" does not convert to string");
}

TEST_CASE("time") {
  CHECK(Evaluate("timestamp '2026-01-02T03:04:05Z' + 5m") == "1767323345000");
  CHECK(Evaluate("timestamp '2026-01-02T03:04:05Z' - 250ms") == "1767323044750");
  CHECK(Evaluate("timestamp '2026-01-02T03:00:00Z' - timestamp '2026-01-02T02:00:00Z' = 1h") ==
        "true");
  CHECK(Evaluate("date '2026-01-02' + 1d > timestamp '2026-01-02T23:00:00Z'") == "true");
  CHECK(Evaluate("2 * 5m = 600s") == "true");
  CHECK(Evaluate("extract(hour from timestamp '2026-01-02T03:04:05Z')") == "3");
  CHECK(Evaluate("extract('hour', timestamp '2026-07-02T22:00:00Z', 'Europe/Zurich')") == "0");
  CHECK(Evaluate("date_diff('minute', timestamp '2026-01-02T03:00:00Z', "
                 "timestamp '2026-01-02T02:58:30Z')") == "-1");
  CHECK(Evaluate("date_diff('month', date '2026-01-31', date '2026-02-28')") == "0");
  CHECK(Evaluate("date_diff('month', date '2026-01-28', date '2026-02-28')") == "1");
  CHECK(Evaluate("date_trunc('week', timestamp '2026-01-02T03:04:05Z') = date '2025-12-29'") ==
        "true");
  CHECK(Evaluate("date_trunc('month', timestamp '2026-05-12T03:04:05Z') = date '2026-05-01'") ==
        "true");
  CHECK(Evaluate("date_trunc('day', timestamp '2026-07-02T22:30:00Z', 'Europe/Zurich')") ==
        "1783029600000");
  CHECK(Evaluate("date_trunc('hour', timestamp '1969-12-31T23:30:00Z')") == "-3600000");
  CHECK(Evaluate("now() > timestamp '2020-01-01'") == "true");
  CHECK(Evaluate("format_time(timestamp '2026-01-02T03:04:05.006Z', '%Y-%m-%d %H:%M:%S.%L')") ==
        "\"2026-01-02 03:04:05.006\"");
  CHECK(Evaluate("concat('a/', timestamp '2026-01-02T03:04:05.000001Z')") ==
        "\"a/1767323045000.001\"");
}

TEST_CASE("lists, structs, maps and strings") {
  const BatchPtr rows = Rows("tags list<string>, n int64", "list('a','b','c') 2 | list('a','') 5");
  CHECK(Evaluate("tags[1]", *rows) == "\"a\" \"a\"");
  CHECK(Evaluate("tags[n]", *rows) == "\"b\" null");
  CHECK(Evaluate("tags[-1]", *rows) == "\"c\" \"\"");
  CHECK(Evaluate("tags[0]", *rows) == "null null");
  CHECK(Evaluate("size(tags) + n", *rows) == "5 7");
  CHECK(Evaluate("contains(tags, 'c')", *rows) == "true false");
  CHECK(Evaluate("tags = list('a', 'b', 'c')", *rows) == "true false");
  CHECK(Evaluate("'it''s' || '!'") == "\"it's!\"");
  CHECK(Evaluate("substr('hello', 2)") == "\"ello\"");
  CHECK(Evaluate("substr('hello', -3, 2)") == "\"ll\"");
  CHECK(Evaluate("substr('hello', 0, 2)") == "\"h\"");
  CHECK(Evaluate("substr('hello', 9, 2)") == "\"\"");
  CHECK(Evaluate("substr('Zürich', 2, 1)") == "\"ü\"");
  CHECK(Evaluate("json_get('{\"a\":{\"b\":[1,{\"c\":\"x\"}]}}', 'a.b[1].c')") == "\"x\"");
  CHECK(Evaluate("json_get('{\"a\":null}', 'a')") == "null");
  CHECK(Evaluate("json_get('{\"a\":[1,2]}', 'a')") == "\"[1,2]\"");
  CHECK(Evaluate("json_get('{', 'a')") == "!json_get('{', 'a'): the text is not JSON");

  std::vector<Field> fields = {{"x", TypeKind::kInt64}, {"y", TypeKind::kString}};
  const auto schema = std::make_shared<const Schema>(
      std::vector<Field>{{"s", Type::Struct(fields)}, {"m", Type::Map(TypeKind::kInt64)}});
  BatchBuilder builder(schema);
  builder.column(0).child(0).Append<int64_t>(7);
  builder.column(0).child(1).AppendText("q");
  builder.column(0).AppendNested();
  builder.column(0).AppendNull();
  for (int i = 0; i < 2; i++) {
    builder.column(1).child(0).AppendText("k");
    builder.column(1).child(1).Append<int64_t>(i);
    builder.column(1).AppendNested();
  }
  const BatchPtr nested = builder.Finish();
  CHECK(Evaluate("s.x + 1", *nested) == "8 null");
  CHECK(Evaluate("s.y", *nested) == "\"q\" null");
  CHECK(Evaluate("m['k']", *nested) == "0 1");
  CHECK(Evaluate("m['z']", *nested) == "null null");
  CHECK(Evaluate("s.z", *nested) == "2+1: no field 'z' in 's'; it has x, y");
}

TEST_CASE("an expression can be asked for as a type") {
  const BatchPtr rows = Rows("a int32, t string", "1 'x'");
  const Scope scope{rows->schema(), "stock", {}};
  const auto as = [&](std::string_view text, const Type& type) {
    std::vector<ExpressionFault> faults;
    const ExpressionPtr bound = BindExpressionAs(text, type, scope, faults);
    CHECK((bound != nullptr) == faults.empty());
    return bound ? bound->type().ToString() : testing::Show(faults);
  };
  CHECK(as("a", TypeKind::kInt64) == "int64");
  CHECK(as("a", TypeKind::kDouble) == "double");
  CHECK(as("null", TypeKind::kBool) == "bool");
  CHECK(as("7", TypeKind::kInt32) == "int32");
  CHECK(as("t", TypeKind::kBool) == "0+1: t is string, expected bool (write cast(t as bool))");
  std::vector<ExpressionFault> faults;
  CHECK(BindExpression("t = 'a' and a > 1 or t = 'b'", scope, faults)->columns() ==
        std::vector<int>{0, 1});
}

TEST_CASE("nothing in a batch without rows") {
  const BatchPtr rows = Rows("a int64, t string", "");
  for (const char* text :
       {"a + 1", "a / 0", "5", "lower(t)", "if(a > 1, t, 'x')", "a in (1, 2)", "coalesce(a, 1)",
        "concat(a, t)", "a = 1 and t = 'x'", "1 / 0", "hash(a, 1)", "uuid()", "now()"}) {
    CHECK(Evaluate(text, *rows).empty());
  }
}

}  // namespace
}  // namespace weir
