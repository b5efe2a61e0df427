#include "expr/harness.h"

#include <fmt/format.h>

#include "batch/render.h"
#include "tests/catch.h"

namespace weir::testing {
namespace {

std::vector<std::string> Split(std::string_view text, char by) {
  std::vector<std::string> parts(1);
  int depth = 0;
  bool quoted = false;
  for (char c : text) {
    if (c == '\'') quoted = !quoted;
    if (c == '<' || c == '(') depth++;
    if (c == '>' || c == ')') depth--;
    if (c == by && depth <= 0 && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

BatchPtr OneRow() {
  return std::make_shared<const Batch>(std::make_shared<const Schema>(), 1,
                                       std::vector<ColumnPtr>());
}

const EvalContext kContext{{1700000000000000}};

}  // namespace

SchemaPtr SchemaOf(std::string_view text) {
  std::vector<Field> fields;
  for (const std::string& part : Split(text, ',')) {
    const std::string field = Trimmed(part);
    if (field.empty()) continue;
    const size_t space = field.find(' ');
    const Result<Type> type = Type::Parse(field.substr(space + 1));
    REQUIRE(type.ok());
    fields.push_back({field.substr(0, space), *type});
  }
  return std::make_shared<const Schema>(std::move(fields));
}

BatchPtr Rows(std::string_view schema_text, std::string_view rows) {
  const SchemaPtr schema = SchemaOf(schema_text);
  BatchBuilder builder(schema);
  const BatchPtr one = OneRow();
  const Scope scope{one->schema(), "", {}};
  std::vector<EventTime> times;
  std::vector<Origin> origins;
  for (const std::string& row : Split(rows, '|')) {
    if (Trimmed(row).empty()) continue;
    size_t column = 0;
    for (const std::string& part : Split(Trimmed(row), ' ')) {
      if (part.empty()) continue;
      const Type& type = (*schema)[column].type;
      std::vector<ExpressionFault> faults;
      std::vector<RowError> errors;
      // Nested values are expressions of their own type.
      const std::string cell =
          type.IsNested() ? part : fmt::format("cast({} as {})", part, type.ToString());
      const ExpressionPtr value = BindExpression(cell, scope, faults);
      INFO(part << " " << Show(faults));
      REQUIRE(value);
      const ColumnPtr cells = value->Evaluate(*one, kContext, errors);
      REQUIRE(errors.empty());
      builder.column(column++).AppendFrom(*cells, 0);
    }
    REQUIRE(column == schema->size());
    times.push_back({static_cast<int64_t>(times.size())});
    origins.push_back({0, static_cast<int64_t>(origins.size())});
  }
  return builder.Finish(std::make_shared<const std::vector<EventTime>>(std::move(times)),
                        std::make_shared<const std::vector<Origin>>(std::move(origins)));
}

std::string Show(const std::vector<ExpressionFault>& faults) {
  std::string text;
  for (const ExpressionFault& fault : faults) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}+{}: {}", fault.offset, fault.length, fault.message);
    if (!fault.cure.empty()) text += " (" + fault.cure + ")";
  }
  return text;
}

std::string Evaluate(std::string_view text, const Batch& batch, std::string_view owner) {
  std::vector<ExpressionFault> faults;
  const Scope scope{batch.schema(), std::string(owner), {}};
  const ExpressionPtr expression = BindExpression(text, scope, faults);
  if (!expression) {
    REQUIRE_FALSE(faults.empty());
    for (const ExpressionFault& fault : faults) {
      CHECK(fault.offset <= text.size());
      CHECK(fault.offset + fault.length <= text.size() + 1);
    }
    return Show(faults);
  }
  std::vector<RowError> errors;
  const ColumnPtr values = expression->Evaluate(batch, kContext, errors);
  REQUIRE(values->size() == batch.rows());
  REQUIRE(values->type() == expression->type());
  std::string shown;
  size_t error = 0;
  for (size_t row = 0; row < values->size(); row++) {
    if (row > 0) shown += ' ';
    if (error < errors.size() && errors[error].row == row) {
      CHECK(values->IsNull(row));
      shown += "!" + errors[error++].reason;
    } else {
      AppendJsonValue(shown, *values, row);
    }
  }
  CHECK(error == errors.size());
  return shown;
}

std::string Evaluate(std::string_view text) { return Evaluate(text, *OneRow(), ""); }

std::string Aggregated(std::string_view expression, const Batch& batch) {
  std::vector<std::pair<int, ExpressionFault>> faults;
  const Scope input{batch.schema(), "stock", {}};
  const Scope groups{std::make_shared<const Schema>(), "", {}};
  const GroupedExpressions bound =
      BindGrouped({{0, std::string(expression)}}, {}, input, groups, faults);
  if (!faults.empty()) {
    std::vector<ExpressionFault> only;
    for (auto& [number, fault] : faults) only.push_back(fault);
    return Show(only);
  }
  std::vector<uint32_t> rows(batch.rows());
  for (uint32_t i = 0; i < rows.size(); i++) rows[i] = i;
  BatchBuilder after(bound.after);
  std::vector<RowError> errors;
  for (size_t a = 0; a < bound.aggregates.size(); a++) {
    const Aggregate& aggregate = *bound.aggregates[a];
    std::vector<int64_t> memory(aggregate.size() / 8);
    auto* state = reinterpret_cast<std::byte*>(memory.data());
    aggregate.Init(state);
    const std::vector<std::byte*> states(rows.size(), state);
    const Status status = aggregate.Update(batch, rows, states, 0, kContext, errors);
    aggregate.Finish(state, after.column(a));
    aggregate.Destroy(state);
    if (!status.ok()) return status.ToString();
  }
  if (bound.aggregates.empty()) after.AddBareRows(1);
  const BatchPtr batch_after = after.Finish();
  const ColumnPtr values = bound.outputs[0]->Evaluate(*batch_after, kContext, errors);
  std::string shown;
  AppendJsonValue(shown, *values, 0);
  for (const RowError& error : errors) shown += " !" + error.reason;
  return shown;
}

}  // namespace weir::testing
