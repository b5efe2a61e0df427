#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/type.h"
#include "config/yaml.h"
#include "operators/operator.h"

namespace weir {

/// What a step of a job reads from, as its clauses need to know it.
struct StepInput {
  std::string step;   ///< Name of the step itself; names its state.
  std::string owner;  ///< Name of the node it reads, for messages (`no column 'x' in 'stock'`).
  SchemaPtr schema;   ///< The columns that a step sees.
  /// Columns that may be named though a step does not see them otherwise (`kafka_offset`, …).
  std::vector<Field> hidden;
  bool has_event_time = false;
  /// The input ends by itself, so that a `group_by` without a window has a result.
  bool bounded = false;
};

/// A step as planned: its operators in the order rows meet them (none where it only unites nodes).
struct StepPlan {
  /// What the first operator's batches must look like: `StepInput::schema`, and behind it those
  /// hidden columns that the step names.
  SchemaPtr input;
  /// Indices into StepInput::hidden of the columns at the end of `input`.
  std::vector<int> hidden;
  std::vector<OperatorPlanPtr> operators;
  SchemaPtr output;
  /// Whether the rows that leave have an event time.
  bool has_event_time = false;
};

/// Plans one step from the map of its clauses. Clauses are taken in their order of meaning, not in
/// the order they are written. All faults found go to `diagnostics`, and nothing is returned then.
/// Keys that are no clauses, and clauses that can't be used yet, are the job reader's to refuse (it
/// knows them by AllClauses); they are passed over here.
std::optional<StepPlan> PlanStep(const YamlNode& step, const StepInput& input,
                                 Diagnostics& diagnostics);

class SpecBase;
class StepBuilder;

/// One key of a step, as the language knows it. The table of them is in all.cc.
struct Clause {
  std::string_view key;
  std::string_view help;     ///< One sentence for the reference page.
  std::string_view example;  ///< As a user writes it.
  /// Plans the clause; null where the key is known but can't be used yet.
  void (*plan)(const YamlNode& value, StepBuilder& builder) = nullptr;
  /// Declaration of the clause's own keys; null where it has none.
  const SpecBase* (*spec)() = nullptr;
};

/// Every clause, in order of meaning: the rank of a clause is its place.
std::span<const Clause> AllClauses();

}  // namespace weir
