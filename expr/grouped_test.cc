#include <fmt/format.h>
#include <random>

#include "batch/render.h"
#include "expr/errors.h"
#include "expr/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Aggregated;
using testing::Rows;

TEST_CASE("aggregates over no rows") {
  const BatchPtr rows = Rows("x int64, t string", "");
  CHECK(Aggregated("count()", *rows) == "0");
  CHECK(Aggregated("count_if(x > 1)", *rows) == "0");
  CHECK(Aggregated("count_distinct(x)", *rows) == "0");
  CHECK(Aggregated("sum(x)", *rows) == "null");
  CHECK(Aggregated("avg(x)", *rows) == "null");
  CHECK(Aggregated("max(t)", *rows) == "null");
  CHECK(Aggregated("last(t)", *rows) == "null");
  CHECK(Aggregated("collect_set(t)", *rows) == "[]");
  CHECK(Aggregated("collect_list(x)", *rows) == "[]");
}

TEST_CASE("aggregates, filters and what is made of them") {
  const BatchPtr rows = Rows("product_type string, event_type string, minutes int64",
                             "'cameras' 'a' 5 | 'N/A' 'order_checkout' 7 | '' 'b' null | "
                             "null 'c' 8 | 'AirPods' 'd' 0 | 'cameras' 'e' 4");
  CHECK(Aggregated("count_if(product_type not in ('', 'N/A'))", *rows) == "3");
  CHECK(Aggregated("if(count_if(event_type = 'order_checkout') > 0, "
                   "count_if(product_type not in ('', 'N/A')), 0)",
                   *rows) == "3");
  CHECK(Aggregated("collect_set(product_type) filter (where product_type not in ('', 'N/A'))",
                   *rows) == "[\"AirPods\",\"cameras\"]");
  CHECK(Aggregated("collect_list(minutes)", *rows) == "[5,7,8,0,4]");
  CHECK(Aggregated("cast(100 * count_if(minutes > 4) / count() as double)", *rows) == "50.0");
  CHECK(Aggregated("sum(minutes) || ''", *rows).starts_with("0+12: '||' wants strings"));
  CHECK(Aggregated("avg(minutes)", *rows) == "4.8");
  CHECK(Aggregated("min(product_type)", *rows) == "\"\"");
  CHECK(Aggregated("max(product_type)", *rows) == "\"cameras\"");
  CHECK(Aggregated("count(distinct product_type)", *rows) == "4");
  CHECK(Aggregated("count(*) - count(product_type)", *rows) == "1");
  CHECK(Aggregated("array_agg(minutes) filter (where minutes > 5)", *rows) == "[7,8]");
  CHECK(Aggregated("last(minutes) - first(minutes)", *rows) == "-1");
  CHECK(Aggregated("sum(cast(minutes as double))", *rows) == "24.0");
  CHECK(Aggregated("sum(cast(minutes as decimal(9,2)))", *rows) == "24.00");
  CHECK(Aggregated("avg(cast(minutes as decimal(9,2)))", *rows) == "4.8");
  CHECK(Aggregated("first(list(minutes, 1))", *rows) == "[5,1]");
  CHECK(Aggregated("any(list(minutes, 1))", *rows).front() == '[');
}

TEST_CASE("rows whose argument fails are not added") {
  const BatchPtr rows = Rows("x int64", "0 | 2 | 5");
  CHECK(Aggregated("sum(10 / x)", *rows) == "7 !10 / x: division by zero (x = 0)");
  CHECK(Aggregated("sum(10 / x) filter (where x > 0)", *rows) == "7");
  CHECK(Aggregated("sum(coalesce(10 / x, 1))", *rows) == "7 !10 / x: division by zero (x = 0)");
  CHECK(Aggregated("count() filter (where 10 / x > 2)", *rows) ==
        "1 !10 / x: division by zero (x = 0)");
  CHECK(Aggregated("count() / (count() - 3)", *rows) ==
        "null !count() / (count() - 3): division by zero (count() = 3)");
}

TEST_CASE("a sum beyond int64 fails the job") {
  const BatchPtr rows = Rows("x int64", "9223372036854775807 | 1");
  CHECK(Aggregated("sum(x)", *rows).starts_with("WEIR-X003: sum(x) does not fit int64"));
  CHECK(Aggregated("avg(x)", *rows) == "4611686018427387904.0");
}

TEST_CASE("faults of grouped expressions") {
  const BatchPtr rows = Rows("price double, ticker string", "");
  CHECK(Aggregated("price + 1", *rows) ==
        "0+5: the column 'price' is neither grouped by nor inside an aggregate (add it to "
        "group_by, or take any(price), first(price) or max(price))");
  CHECK(Aggregated("sum(count())", *rows) ==
        "4+7: an aggregate may not stand inside another one (aggregate first in a step of its "
        "own)");
  CHECK(Aggregated("sum(ticker)", *rows) ==
        "4+6: sum wants a number or a duration, but ticker is string (a string never converts by "
        "itself: cast(… as double))");
  CHECK(Aggregated("sum(price, 1)", *rows) ==
        "0+13: sum takes 1 argument, 2 given (sum(value any) -> number)");
  CHECK(Aggregated("sum(*)", *rows) == "0+6: sum takes no '*' (only count(*) does)");
  CHECK(Aggregated("sum(pirce)", *rows).starts_with("4+5: no column 'pirce' in 'stock'"));
  CHECK(Aggregated("max_by(price, ticker)", *rows).starts_with("0+21: 'max_by' is not known here"));
  CHECK(Aggregated("count() filter (where ticker)", *rows).starts_with("22+6: ticker is string"));
  CHECK(HasAggregate("1 + if(true, array_agg(x)[1], 2)"));
  CHECK_FALSE(HasAggregate("lower(x)"));
  CHECK_FALSE(HasAggregate("count( "));
}

TEST_CASE("equal calls are one aggregate, and groups win over input columns") {
  const BatchPtr rows = Rows("price double, userid int64", "");
  const Scope input{rows->schema(), "stock", {}};
  const auto group_schema = testing::SchemaOf("price string, window_end timestamp");
  const Scope groups{group_schema, "", {{"total", "it is another name of this select"}}};
  std::vector<std::pair<int, ExpressionFault>> faults;
  const GroupedExpressions bound = BindGrouped(
      {{1, "lower(price)"}, {2, "sum( price ) + SUM(price)"}, {3, "window_end"}, {4, "count(*)"}},
      {5, "count() > 1 and sum(price) > 0"}, input, groups, faults);
  REQUIRE(faults.empty());
  CHECK(bound.aggregates.size() == 2);
  CHECK(bound.after->ToString() == "price string, window_end timestamp, $0 double, $1 int64");
  CHECK(bound.outputs.size() == 4);
  CHECK(bound.having->columns() == std::vector<int>{2, 3});
  BindGrouped({{7, "total + 1"}}, {8, "price"}, input, groups, faults);
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].first == 7);
  CHECK(faults[0].second.message == "'total' may not stand here");
  CHECK(faults[1].first == 8);
  CHECK(faults[1].second.message == "price is string, expected bool");
}

/// Owns one accumulator.
class State {
 public:
  explicit State(const Aggregate& aggregate)
      : aggregate_(aggregate), memory_(aggregate.size() / 8) {
    CHECK(aggregate.size() % 8 == 0);
    aggregate.Init(bytes());
  }
  ~State() { aggregate_.Destroy(bytes()); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  std::byte* bytes() { return reinterpret_cast<std::byte*>(memory_.data()); }
  std::string Result() {
    ColumnBuilder out(aggregate_.type());
    aggregate_.Finish(bytes(), out);
    std::string text;
    AppendJsonValue(text, *out.Finish(), 0);
    return text;
  }

 private:
  const Aggregate& aggregate_;
  std::vector<int64_t> memory_;
};

TEST_CASE("any split, order, merge and trip through bytes gives what one pass gives") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto upto = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const SchemaPtr schema = testing::SchemaOf("i int64, d double, t string, n int32, b bool");
  const Scope input{schema, "rows", {}};
  const Scope groups{std::make_shared<const Schema>(), "", {}};
  std::vector<std::pair<int, ExpressionFault>> faults;
  std::vector<NumberedText> calls;
  for (const char* text : {"count()",
                           "count(t)",
                           "count_if(b)",
                           "sum(i)",
                           "sum(n)",
                           "sum(cast(i as decimal(20,2)))",
                           "avg(i)",
                           "min(i)",
                           "max(d)",
                           "min(t)",
                           "max(b)",
                           "any(t)",
                           "any(list(i, n))",
                           "first(t)",
                           "last(i)",
                           "first(list(t))",
                           "collect_list(t)",
                           "collect_list(i) filter (where b)",
                           "collect_set(d)",
                           "collect_set(t)",
                           "collect_set(i)",
                           "count_distinct(t)",
                           "sum(i) filter (where b or n > 2)",
                           "sum(d)",
                           "avg(d)",
                           "sum(100 / n)",
                           "count() + 7"}) {
    calls.push_back({0, text});
  }
  const GroupedExpressions bound = BindGrouped(calls, {}, input, groups, faults);
  REQUIRE(faults.empty());
  const EvalContext context;
  for (int round = 0; round < 60; round++) {
    const bool nulls = round % 2 == 1;
    const size_t rows = static_cast<size_t>(upto(60));
    BatchBuilder builder(schema);
    auto times = std::make_shared<std::vector<EventTime>>();
    auto origins = std::make_shared<std::vector<Origin>>();
    const auto null = [&](size_t column) {
      if (!nulls || upto(3) != 0) return false;
      builder.column(column).AppendNull();
      return true;
    };
    for (size_t r = 0; r < rows; r++) {
      if (!null(0)) builder.column(0).Append<int64_t>(upto(9) - 4);
      if (!null(1)) builder.column(1).Append<double>((upto(17) - 8) * 0.125);
      if (!null(2)) builder.column(2).AppendText(std::string("abcdef").substr(0, upto(6)));
      if (!null(3)) builder.column(3).Append<int32_t>(upto(6));
      if (!null(4)) builder.column(4).AppendBool(upto(2) == 0);
      times->push_back({upto(5)});
      origins->push_back({upto(3), static_cast<int64_t>(r)});
    }
    const BatchPtr batch = builder.Finish(times, origins);
    for (const AggregatePtr& aggregate : bound.aggregates) {
      INFO(aggregate->text() << " round " << round);
      std::vector<uint32_t> all(rows);
      for (uint32_t r = 0; r < rows; r++) all[r] = r;
      std::vector<RowError> errors;
      State whole(*aggregate);
      const std::vector<std::byte*> same(rows, whole.bytes());
      REQUIRE(aggregate->Update(*batch, all, same, 0, context, errors).ok());
      if (!errors.empty()) CHECK(aggregate->CanFail());

      // The rows, in random order and pieces, over random accumulators.
      std::shuffle(all.begin(), all.end(), random);
      const size_t count = 1 + static_cast<size_t>(upto(4));
      std::vector<std::unique_ptr<State>> parts;
      for (size_t p = 0; p < count; p++) parts.push_back(std::make_unique<State>(*aggregate));
      std::vector<RowError> split_errors;
      for (size_t at = 0; at < rows;) {
        const size_t piece = std::min(rows - at, static_cast<size_t>(1 + upto(20)));
        std::vector<std::byte*> states(rows);
        for (std::byte*& state : states) {
          state = parts[static_cast<size_t>(upto(4)) % count]->bytes();
        }
        REQUIRE(aggregate
                    ->Update(*batch, std::span(all).subspan(at, piece), states, 0, context,
                             split_errors)
                    .ok());
        at += piece;
      }
      CHECK(split_errors.size() == errors.size());
      State merged(*aggregate);
      std::shuffle(parts.begin(), parts.end(), random);
      for (const auto& part : parts) {
        std::string bytes;
        aggregate->Encode(part->bytes(), bytes);
        const std::string padded = bytes + "tail";
        std::string_view rest = padded;
        State read(*aggregate);
        REQUIRE(aggregate->Decode(rest, read.bytes()));
        CHECK(rest == "tail");
        CHECK(read.Result() == part->Result());
        CHECK(aggregate->HeapBytes(part->bytes()) < 100000);
        // Damage is refused or read as another state, never a crash.
        for (size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 7) {
          std::string_view less = std::string_view(bytes).substr(0, cut);
          State broken(*aggregate);
          CHECK_FALSE(aggregate->Decode(less, broken.bytes()));
          std::string changed = bytes;
          changed[cut] = static_cast<char>(changed[cut] ^ (1 << upto(8)));
          std::string_view view = changed;
          State other(*aggregate);
          if (aggregate->Decode(view, other.bytes())) other.Result();
        }
        REQUIRE(aggregate->Merge(merged.bytes(), read.bytes()).ok());
      }
      CHECK(merged.Result() == whole.Result());
    }
  }
}

}  // namespace
}  // namespace weir
