#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/values.h"
#include "operators/step.h"

namespace weir {

/// A `name: expression` of a step, or a column named alone.
struct NamedExpression {
  std::string name;
  Place place;  ///< Of the name.
  std::string text;
  YamlNode node;       ///< Of the text, for places inside it.
  bool alone = false;  ///< Written as a column's name only; `text` then names that column.
};

/// A step while it is planned: the columns that there are so far and the operators that make them.
/// Clauses read their YAML through it, so that faults are told in one way.
class StepBuilder {
 public:
  StepBuilder(const YamlNode& step, const StepInput& input, Diagnostics& diagnostics);

  const StepInput& input() const { return input_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  /// The step's value under `key`; null where there is none.
  const YamlNode* Find(std::string_view key) const { return step_.Find(key); }
  /// Whether the text `word` stands anywhere in the step's clauses but `except`.
  bool Mentions(std::string_view word, std::string_view except) const;

  /// The columns there are now, the hidden ones that the step names among them.
  const SchemaPtr& schema() const { return schema_; }
  bool IsHidden(const std::string& column) const { return hidden_.contains(column); }
  bool has_event_time() const { return has_event_time_; }
  /// Names that expressions may use now.
  Scope CurrentScope() const { return {schema_, input_.owner, {}}; }

  void Fault(const YamlNode& node, std::string message, std::string cure = {});
  void Fault(const ExpressionFault& fault, const YamlNode& node);

  /// Null, and told, where it has a fault.
  ExpressionPtr Bind(const YamlNode& node, const Scope& scope);
  ExpressionPtr BindAs(const YamlNode& node, const Type& type, const Scope& scope);
  /// Reads a map of names to expressions, a list of columns and such maps, or one column. Columns
  /// named alone are in `known` or have the form of a name. Names are told that are reserved or
  /// there twice.
  std::vector<NamedExpression> ReadNamed(const YamlNode& node, std::string_view clause,
                                         const Schema& known);

  /// Adds an operator; its output are the columns from now on.
  void Append(OperatorPlanPtr plan);
  /// Says that the columns of now were asked for by name, so none of them is hidden any more.
  void ShowAll() { hidden_.clear(); }
  void SetEventTime(bool has_event_time) { has_event_time_ = has_event_time; }

  /// The plan, once every clause was planned.
  StepPlan Finish();

 private:
  bool CheckName(NamedExpression& named);

  const YamlNode& step_;
  const StepInput& input_;
  Diagnostics& diagnostics_;
  SchemaPtr schema_;
  std::set<std::string> hidden_;
  bool has_event_time_;
  StepPlan plan_;
};

/// The text of an expression that is the column `name`, in backticks where it needs them.
std::string ColumnText(const std::string& name);
/// The index of the column that an expression is, handed on as it came; -1 where it is more.
int PlainColumn(const Expression& expression, const Schema& schema);

// Clauses, one in each file of its name; the table of them is in all.cc.
void PlanUnnest(const YamlNode& value, StepBuilder& builder);
void PlanWith(const YamlNode& value, StepBuilder& builder);
void PlanWhere(const YamlNode& value, StepBuilder& builder);
void PlanCall(const YamlNode& value, StepBuilder& builder);
void PlanWindow(const YamlNode& value, StepBuilder& builder);
void PlanGroupBy(const YamlNode& value, StepBuilder& builder);
void PlanHaving(const YamlNode& value, StepBuilder& builder);
void PlanSelect(const YamlNode& value, StepBuilder& builder);
void PlanDrop(const YamlNode& value, StepBuilder& builder);
const SpecBase* CallClauseSpec();
const SpecBase* WindowClauseSpec();

}  // namespace weir
