#include <set>

#include "expr/function_list.h"
#include "expr/harness.h"
#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("every function has its help, and its example gives what is stated") {
  const BatchPtr rows = testing::Rows("x int64", "3 | 1 | null | 1");
  std::set<std::string_view> names;
  for (const FunctionHelp& function : ListAllFunctions()) {
    INFO(function.name);
    CHECK(names.insert(function.name).second);
    CHECK(function.help.size() > 10);
    CHECK(function.help.back() == '.');
    CHECK(function.signature.find(") -> ") != std::string_view::npos);
    CHECK(function.example.find(function.name) != std::string_view::npos);
    const std::string result = function.kind == "aggregate"
                                   ? testing::Aggregated(function.example, *rows)
                                   : testing::Evaluate(function.example);
    if (function.result.empty()) {
      CHECK(result.find(' ') == std::string::npos);
    } else {
      CHECK(result == function.result);
    }
  }
  CHECK(names.size() > 45);
}

}  // namespace
}  // namespace weir
