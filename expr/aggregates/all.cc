#include <array>

#include "expr/aggregates/aggregate_function.h"

namespace weir {
namespace {

constexpr std::string_view kAnything = "a value with a type";
constexpr std::string_view kOrdered = "bool, a number, a string, bytes, a date or a time";

constexpr std::array kAggregates = {
    AggregateFunction{"count", "([value any]) -> int64",
                      "Rows, or values that are not null. `count(*)` is `count()`.", "count()", "4",
                      MakeCount, kAnything},
    AggregateFunction{"count_if", "(condition bool) -> int64",
                      "Rows for which the condition is true.", "count_if(x > 1)", "1", MakeCountIf,
                      "a condition (bool)"},
    AggregateFunction{"sum", "(value any) -> number",
                      "The sum: int64 of ints, double of doubles, decimal(38,s) of decimals. A sum "
                      "beyond its type fails the job.",
                      "sum(x)", "5", MakeSum, "a number or a duration"},
    AggregateFunction{"avg", "(value any) -> double",
                      "The mean of the values that are not null, as a double.", "avg(x) * 3", "5.0",
                      MakeAverage, "a number"},
    AggregateFunction{"min", "(value any) -> any", "The least value; a NaN is above all numbers.",
                      "min(x)", "1", MakeMinimum, kOrdered},
    AggregateFunction{"max", "(value any) -> any", "The greatest value.", "max(x)", "3",
                      MakeMaximum, kOrdered},
    AggregateFunction{"any", "(value any) -> any",
                      "One of the values, the same in every run. For what is equal in all rows of "
                      "a group.",
                      "any(x)", "1", MakeAny, kAnything},
    AggregateFunction{"first", "(value any) -> any",
                      "The first value that is not null, by event time, then partition and offset.",
                      "first(x)", "3", MakeFirst, kAnything},
    AggregateFunction{"last", "(value any) -> any",
                      "The last value that is not null, by event time, then partition and offset.",
                      "last(x)", "1", MakeLast, kAnything},
    AggregateFunction{"collect_list", "(value any) -> list",
                      "The values that are not null, by event time, then partition and offset.",
                      "collect_list(x)", "[3,1,1]", MakeCollectList, kAnything},
    AggregateFunction{"collect_set", "(value any) -> list",
                      "The different values that are not null, sorted.", "collect_set(x)", "[1,3]",
                      MakeCollectSet, kAnything},
    AggregateFunction{"count_distinct", "(value any) -> int64",
                      "How many different values there are, nulls left out.", "count_distinct(x)",
                      "2", MakeCountDistinct, kAnything},
};

}  // namespace

std::span<const AggregateFunction> AllAggregates() { return kAggregates; }

const AggregateFunction* FindAggregate(std::string_view name) {
  for (const AggregateFunction& aggregate : kAggregates) {
    if (aggregate.name == name) return &aggregate;
  }
  return nullptr;
}

}  // namespace weir
