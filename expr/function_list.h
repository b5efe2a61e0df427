#pragma once

#include <string_view>
#include <vector>

namespace weir {

/// What a user is told about a function: `weir functions` and the reference page print these.
struct FunctionHelp {
  std::string_view name;
  std::string_view kind;       ///< "aggregate", or a scalar function's group: "text", "time", …
  std::string_view signature;  ///< Without the name.
  std::string_view help;
  std::string_view example;
  /// The example's result as JSON, empty where it differs from call to call. Aggregates are over
  /// the rows x = 3, 1, null, 1.
  std::string_view result;
};

/// All functions and aggregates, in the order of the reference page.
std::vector<FunctionHelp> ListAllFunctions();

}  // namespace weir
