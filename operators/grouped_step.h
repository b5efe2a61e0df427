#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/group_layout.h"
#include "operators/operator.h"
#include "operators/row_errors.h"
#include "operators/window_math.h"

namespace weir {

/// What a step with `window` or `group_by` does, as bound; shared by the operators that do it.
/// Immutable.
struct GroupedStep {
  std::string step;
  std::vector<ExpressionPtr> groups;
  /// Tumbling and hopping windows.
  std::optional<WindowMath> windows;
  /// Session windows.
  std::optional<Duration> gap;
  std::optional<Duration> max;  ///< Of sessions: how long their windows are at most.
  std::shared_ptr<const GroupLayout> layout;
  /// Group columns, [window_start, window_end,] then one column for each aggregate.
  SchemaPtr output;
  /// Group columns, $slice_end timestamp, $states bytes, $weight int64: partial aggregates.
  SchemaPtr partial;

  bool has_window() const { return windows || gap; }
};

inline constexpr std::string_view kSliceEndColumn = "$slice_end";
inline constexpr std::string_view kStatesColumn = "$states";

/// Rows of a batch on their way into groups: the values of their group expressions, and which rows
/// failed so far.
struct Intake {
  std::vector<ColumnPtr> groups;
  GoodRows good;
  std::vector<uint32_t> rows;  ///< Rows that go into groups, ascending.
};

/// Feeds rows to accumulators, so that a row that one aggregate can't take reaches none of them.
///
/// Aggregates that can fail first take the rows one by one into rows of their own (Begin); once it
/// is known which rows are good, these are merged into the groups, and the other aggregates are fed
/// directly (Add).
class GroupFeeder {
 public:
  explicit GroupFeeder(const GroupedStep& step);

  /// Evaluates the group expressions, checks that times can be in a window, and tries the
  /// aggregates that can fail. Rejected rows have been given to `out` when it returns.
  Result<Intake> Begin(const Batch& batch, const EvalContext& context, Output& out);
  /// Adds each row of `rows`, all of them of the intake begun last, to `states[row]`, and counts it
  /// there.
  Status Add(const Batch& batch, std::span<const uint32_t> rows, std::span<std::byte* const> states,
             const EvalContext& context);

 private:
  const GroupedStep& step_;
  std::vector<size_t> fallible_;
  std::vector<size_t> infallible_;
  std::unique_ptr<ScratchRows> tried_;  ///< By row of the batch, where some aggregate can fail.
};

}  // namespace weir
