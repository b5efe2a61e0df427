#include <array>

#include "expr/functions/function.h"

namespace weir {
namespace {

constexpr std::string_view kWindows =
    "windows are a step's own key: window: { tumbling: 10s }, "
    "{ hopping: { size: 1m, every: 10s } } or { session: { gap: 1s } }";
constexpr std::string_view kRanking =
    "rows of a group are not numbered; first(…), last(…) and collect_list(…) go by event time";

constexpr std::array kForeignNames = {
    ForeignName{"array_agg", "collect_list", ""},
    ForeignName{"list_agg", "collect_list", ""},
    ForeignName{"any_value", "any", ""},
    ForeignName{"mean", "avg", ""},
    ForeignName{"date_format", "format_time", ""},
    ForeignName{"strftime", "format_time", ""},
    ForeignName{"to_timestamp", "parse_time", ""},
    ForeignName{"date_part", "extract", ""},
    ForeignName{"current_timestamp", "now", ""},
    ForeignName{"ifnull", "coalesce", ""},
    ForeignName{"nvl", "coalesce", ""},
    ForeignName{"iff", "if", ""},
    ForeignName{"substring", "substr", ""},
    ForeignName{"len", "length", ""},
    ForeignName{"char_length", "length", ""},
    ForeignName{"cardinality", "size", ""},
    ForeignName{"array_length", "size", ""},
    ForeignName{"array", "list", ""},
    ForeignName{"array_contains", "contains", ""},
    ForeignName{"ceiling", "ceil", ""},
    ForeignName{"power", "pow", ""},
    ForeignName{"countif", "count_if", ""},
    ForeignName{"max_by", "", "arg_max comes later; last(value) takes the value of the latest row"},
    ForeignName{"min_by", "", "arg_min comes later; first(value) takes the value of the first row"},
    ForeignName{"arg_max", "", "it comes later; last(value) takes the value of the latest row"},
    ForeignName{"arg_min", "", "it comes later; first(value) takes the value of the first row"},
    ForeignName{"approx_count_distinct", "", "it comes later; count_distinct(value) is exact"},
    ForeignName{"approx_percentile", "", "it comes later"},
    ForeignName{"stddev", "", "it comes later"},
    ForeignName{"tumble", "", kWindows},
    ForeignName{"tumble_start", "", "the window's bounds are the columns window_start, window_end"},
    ForeignName{"tumble_end", "", "the window's bounds are the columns window_start, window_end"},
    ForeignName{"hop", "", kWindows},
    ForeignName{"session", "", kWindows},
    ForeignName{"row_number", "", kRanking},
    ForeignName{"rank", "", kRanking},
    ForeignName{"lag", "", "a row does not see the rows before it"},
    ForeignName{"lead", "", "a row does not see the rows after it"},
    ForeignName{"to_date", "", "write cast(text as date)"},
    ForeignName{"unix_timestamp", "",
                "extract('epoch', time) is seconds, cast(time as int64) "
                "milliseconds"},
    ForeignName{"regexp_replace", "", "replace(text, part, with) replaces plain text"},
    ForeignName{"deleted", "", "rows are dropped by a step's 'where'"},
};

}  // namespace

std::span<const ForeignName> ForeignNames() { return kForeignNames; }

const std::vector<const Function*>& AllFunctions() {
  static const std::vector<const Function*> kAll = [] {
    std::vector<const Function*> all;
    for (const std::span<const Function> group :
         {TextFunctions(), PatternFunctions(), TimeFunctions(), NumberFunctions(), ListFunctions(),
          OtherFunctions(), GeographyFunctions()}) {
      for (const Function& function : group) all.push_back(&function);
    }
    return all;
  }();
  return kAll;
}

const Function* FindFunction(std::string_view name) {
  for (const Function* function : AllFunctions()) {
    if (function->name == name) return function;
  }
  return nullptr;
}

}  // namespace weir
