#include "expr/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Evaluate;
using testing::Rows;

std::string Faults(std::string_view text) {
  static const BatchPtr rows =
      Rows("ticker string, price double, event_time timestamp, j json, n int64", "");
  return Evaluate(text, *rows);
}

TEST_CASE("names that are not there get a list and a guess") {
  CHECK(Faults("pirce > 50") ==
        "0+5: no column 'pirce' in 'stock'; it has ticker, price, event_time, j, n "
        "(did you mean 'price'?)");
  CHECK(Faults("lowre(ticker)") == "0+5: no function 'lowre' (did you mean 'lower'?)");
  CHECK(Faults("this.price") ==
        "0+4: no column 'this' in 'stock'; it has ticker, price, event_time, j, n (columns are "
        "named by themselves: price, not this.price)");
}

TEST_CASE("all faults of an expression at once") {
  CHECK(Faults("pirce > 50 and tickr = 'A' and lower(n) = 'a'") ==
        "0+5: no column 'pirce' in 'stock'; it has ticker, price, event_time, j, n "
        "(did you mean 'price'?)\n"
        "15+5: no column 'tickr' in 'stock'; it has ticker, price, event_time, j, n "
        "(did you mean 'ticker'?)\n"
        "37+1: argument 1 of lower is int64, expected string (write cast(n as string))");
}

TEST_CASE("types and counts") {
  CHECK(Faults("ticker + 1") ==
        "0+6: '+' wants numbers, but ticker is string (strings are joined with ||; a number in a "
        "string is read by cast(… as double))");
  CHECK(Faults("price > '50'") ==
        "0+12: '>' can't compare double with string (a string never converts by itself: write "
        "cast(… as double))");
  CHECK(Faults("event_time > '2026-01-01'") ==
        "0+25: '>' can't compare timestamp with string (a string never converts by itself: write "
        "cast(… as timestamp) or timestamp '2026-01-02T03:04:05Z')");
  CHECK(Faults("price and true") == "0+5: 'and' wants a condition (bool), but price is double");
  CHECK(Faults("lower()") ==
        "0+7: lower takes 1 argument, none given (lower(text string) -> string)");
  CHECK(Faults("substr(ticker)") ==
        "0+14: substr takes 2 to 3 arguments, 1 given "
        "(substr(text string, start int64, [length int64]) -> string)");
  CHECK(Faults("if(n > 1, 'a', 2)") ==
        "15+1: argument 3 of if is int64, those before it are string (they must have one type)");
  CHECK(Faults("case when n > 1 then 'a' else 2 end") ==
        "30+1: 2 is int64, but the values before it are string (all values of a case have one "
        "type)");
  CHECK(Faults("abs(ticker)") ==
        "4+6: ticker is string, expected a number (a string never converts by itself: write "
        "cast(… as double))");
  CHECK(Faults("cast(price as list<int64>)") == "0+26: double does not cast to list<int64>");
  CHECK(Faults("cast(price as int65)").starts_with("14+5: 'int65' is not a type"));
  CHECK(Faults("j.a") == "2+1: j is json and has no fields (write json_get(j, 'a'))");
  CHECK(Faults("- ticker") == "0+8: '-' wants a number, but ticker is string");
  CHECK(Faults("event_time + 5") ==
        "0+14: '+' is not known between timestamp and int64 (timestamp ± duration, timestamp - "
        "timestamp, duration ± duration and duration * integer are; date_diff('minute', from, to) "
        "counts whole units)");
}

TEST_CASE("literals that functions want are checked before anything runs") {
  CHECK(Faults("regexp_matches(ticker, '(')")
            .starts_with("23+3: the pattern is not a regular expression"));
  CHECK(Faults("regexp_extract(ticker, 'a', 1)") ==
        "28+1: the pattern has no group 1; it has 0 (0 is the whole match)");
  CHECK(Faults("format_time(event_time, 'yyyy-MM-dd')") ==
        "24+12: 'yyyy-MM-dd' is no layout of times: it names no part of a time "
        "(yyyy-MM-dd HH:mm:ss is written %Y-%m-%d %H:%M:%S)");
  CHECK(Faults("format_time(event_time, '%Y', 'Mars/Olympus')")
            .starts_with("30+14: no time zone 'Mars/Olympus'"));
  CHECK(Faults("format_time(event_time, '%Y', '../../etc/passwd')")
            .starts_with("30+18: no time zone '../../etc/passwd'"));
  CHECK(Faults("format_time(event_time, ticker)") ==
        "24+6: the layout of format_time must be a literal string");
  CHECK(Faults("date_diff('fortnight', event_time, event_time)")
            .starts_with("10+11: no unit of time 'fortnight'"));
  CHECK(Faults("geohash(price, price, 13)") == "22+2: a geohash has 1 to 12 characters");
  CHECK(Faults("ticker like ticker").starts_with("12+6: the pattern of 'like' must be a literal"));
}

TEST_CASE("other dialects get a hint") {
  CHECK(Faults("price == 50") == "6+2: '==' is not an operator here (equality is '=')");
  CHECK(Faults("price > 50 && n > 1") == "11+2: '&&' is not an operator here (write 'and')");
  CHECK(Faults("!true") == "0+1: '!' is not an operator here (write 'not')");
  CHECK(Faults("ticker = \"AAPL\"") ==
        "9+6: text stands in single quotes (write 'AAPL' for a text or `AAPL` for a name)");
  CHECK(Faults("price::int64") == "5+2: '::' is not an operator here (write cast(value as type))");
  CHECK(Faults("TUMBLE(event_time, 5m)").starts_with("0+22: 'tumble' is not known here (windows"));
  CHECK(Faults("row_number() over (order by price)").find("rows of a group") == std::string::npos);
  CHECK(Faults("row_number()").starts_with("0+12: 'row_number' is not known here (rows of a"));
  CHECK(Faults("sum(price) over (ticker)")
            .starts_with("11+4: 'over' is not expected here (window functions are not known"));
  CHECK(Faults("count(price) > 1") ==
        "0+12: the aggregate 'count' may not stand here (aggregates stand in 'select' and "
        "'having' of a step with a window or group_by)");
  CHECK(Faults("lower(ticker) filter (where true)") ==
        "0+33: lower is not an aggregate and takes no 'filter'");
}

TEST_CASE("syntax") {
  CHECK(Faults("") == "0+0: an expression is missing here");
  CHECK(Faults("price >") == "7+0: expected a value but found the end");
  CHECK(Faults("(price") == "6+0: expected ')' to close '(' but found the end");
  CHECK(Faults("1 < n < 3") == "6+1: comparisons are not chained (write a < b and b < c)");
  CHECK(Faults("ticker = 'abc") ==
        "9+4: the text that begins here has no end (end it with '; a ' inside is written twice)");
  CHECK(Faults("n in ()") == "6+1: the list of 'in' is empty");
  CHECK(Faults("5x") ==
        "0+2: '5x' is neither a number nor a duration (durations are whole numbers with us, ms, s, "
        "m, h or d, like 250ms or 10s; names that begin with a digit stand in backticks)");
  CHECK(Faults("case when n > 1 then 2") ==
        "22+0: expected 'end' to close 'case' but found the end");
  CHECK(Faults("99999999999999999999") ==
        "0+20: the number does not fit int64 (write it with a point for a double)");
  CHECK(Faults("price # 2") == "6+1: '#' has no meaning here\n8+1: '2' is not expected here");
  CHECK(Faults("timestamp 'soon'").starts_with("10+6: this is not a timestamp"));
  CHECK(Faults("n -- a comment\n + 1").empty());
  CHECK(Faults("end = 1").starts_with("0+3: expected a value but found 'end'"));
}

TEST_CASE("depth and size have bounds") {
  const auto nested = [](size_t n) { return std::string(n, '(') + "1" + std::string(n, ')'); };
  CHECK(Evaluate(nested(150)) == "1");
  CHECK(Evaluate(nested(100000)).find("longer than 64 KiB") != std::string::npos);
  CHECK(Evaluate(nested(5000)).find("nested too deep") != std::string::npos);
  std::string chain = "1";
  for (int i = 0; i < 2000; i++) chain += " + 1";
  CHECK(Evaluate(chain).find("nested too deep") != std::string::npos);
  std::string long_or = "true";
  for (int i = 0; i < 3000; i++) long_or += " or true";
  CHECK(Evaluate(long_or) == "true");
  for (const char* piece : {"not ", "- ", "if(true, ", "case when ", "list(", "cast("}) {
    std::string deep;
    for (int i = 0; i < 3000; i++) deep += piece;
    CHECK_FALSE(Evaluate(deep + "1").empty());
  }
}

}  // namespace
}  // namespace weir
