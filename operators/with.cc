#include <fmt/format.h>

#include "operators/project.h"
#include "operators/step_builder.h"

namespace weir {

void PlanWith(const YamlNode& value, StepBuilder& builder) {
  if (value.kind() != YamlNode::Kind::kMap) {
    builder.Fault(value, "'with' is a map of names and expressions",
                  "write with: { name: expression }");
    return;
  }
  const Schema& schema = *builder.schema();
  const std::vector<NamedExpression> added = builder.ReadNamed(value, "with", schema);
  Scope scope = builder.CurrentScope();
  for (const NamedExpression& column : added) {
    if (schema.Find(column.name) >= 0) continue;
    scope.hints.emplace_back(
        column.name, "it is made by the same 'with', whose expressions see the input's columns");
  }
  std::vector<ProjectedColumn> columns;
  for (size_t i = 0; i < schema.size(); i++) {
    columns.push_back({schema[i].name, static_cast<int>(i), nullptr});
  }
  for (const NamedExpression& column : added) {
    ExpressionPtr expression = builder.Bind(column.node, scope);
    if (!expression) continue;
    const int replaced = schema.Find(column.name);
    const int plain = PlainColumn(*expression, schema);
    ProjectedColumn made{column.name, plain, plain < 0 ? std::move(expression) : nullptr};
    if (replaced >= 0) {
      columns[static_cast<size_t>(replaced)] = std::move(made);
    } else {
      columns.push_back(std::move(made));
    }
  }
  builder.Append(Project::Plan("with", std::move(columns), schema));
}

}  // namespace weir
