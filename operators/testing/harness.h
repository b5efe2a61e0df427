#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operators/step.h"
#include "operators/testing/map_state.h"

namespace weir::testing {

/// What a step needs for a test, beside its text.
struct HarnessInput {
  std::string columns;  ///< `user string, value int64`, the columns of the input `input`.
  bool has_event_time = true;
  bool bounded = false;
  std::string hidden;  ///< As `columns`: there are, but only for who names them.
};

/// Runs one step in one task, with rows as text and time in the test's hand. The ledger is checked
/// after every call (a WEIR_CHECK: a test can't go on without it).
///
///   OperatorHarness step("where: value > 1", {"user string, value int64"});
///   CHECK(step.Push("a 1 0s  b 2 3s") == "b 2 3s");
///
/// Rows stand two spaces apart, their values one; the last value is the event time, where there is
/// one, as a duration since 1970. `null` is null, a list is `[a,b]`. What comes out is written the
/// same way, with a comma between rows; `!` and a reason is a rejected row.
class OperatorHarness {
 public:
  /// `partials`: whether partial aggregates are formed where the plan has them.
  /// `programs`: what steps may call; outlive it.
  OperatorHarness(const std::string& step_yaml, const HarnessInput& input, bool partials = true,
                  const Programs* programs = nullptr);
  ~OperatorHarness();

  /// The faults of the step, rendered; empty where it was planned.
  const std::string& faults() const { return faults_; }
  const StepPlan& plan() const { return *plan_; }

  std::string Push(const std::string& rows);
  /// `10s`, or `end` for the end of the input. The step's output watermark is passed_on().
  std::string Watermark(const std::string& time);
  std::string passed_on() const;
  /// Everything the operators kept is written, dropped and read back.
  void CheckpointAndRestore();
  /// Counts of all operators named `kind` since the last restore.
  RowCounts counts(std::string_view kind) const;

 private:
  struct Link;
  class LinkOutput;
  BatchPtr ReadRows(const std::string& rows) const;
  Status Deliver(size_t link, const BatchPtr& batch);
  Status Advance(EventTime watermark);
  void MakeOperators();
  void CheckLedger();
  std::string TakeOutput();

  HarnessInput input_;
  const bool partials_;
  const Programs* const programs_;
  std::string faults_;
  std::optional<StepPlan> plan_;
  std::vector<std::unique_ptr<Link>> links_;
  std::unique_ptr<MapState> state_;
  ManualClock clock_;
  EventTime passed_on_ = EventTime::Min();
  std::string output_;
};

}  // namespace weir::testing
