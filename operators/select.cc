#include <fmt/format.h>

#include "operators/project.h"
#include "operators/step_builder.h"

namespace weir {

void PlanSelect(const YamlNode& value, StepBuilder& builder) {
  // With groups, `select` is bound together with `having` where these are planned.
  if (builder.Find("window") != nullptr || builder.Find("group_by") != nullptr) return;
  const Schema& schema = *builder.schema();
  std::vector<ProjectedColumn> columns;
  const std::vector<NamedExpression> selected = builder.ReadNamed(value, "select", schema);
  for (const NamedExpression& column : selected) {
    if (HasAggregate(column.text)) {
      builder.Fault(column.node,
                    fmt::format("'{}' is an aggregate, which needs groups of rows", column.text),
                    "add a 'window' or 'group_by' to the step");
      continue;
    }
    const int known = column.alone ? schema.Find(column.name) : -1;
    if (known >= 0) {
      columns.push_back({column.name, known, nullptr});
      continue;
    }
    ExpressionPtr expression = builder.Bind(column.node, builder.CurrentScope());
    if (!expression) continue;
    const int plain = PlainColumn(*expression, schema);
    columns.push_back({column.name, plain, plain < 0 ? std::move(expression) : nullptr});
  }
  if (value.kind() != YamlNode::Kind::kScalar && value.items().empty() && value.entries().empty()) {
    builder.Fault(value, "'select' names no column");
    return;
  }
  builder.Append(Project::Plan("select", std::move(columns), schema));
  builder.ShowAll();
}

}  // namespace weir
