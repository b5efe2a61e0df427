#include <set>

#include <fmt/format.h>

#include "config/spec.h"
#include "operators/project.h"
#include "operators/step_builder.h"

namespace weir {

void PlanDrop(const YamlNode& value, StepBuilder& builder) {
  if (builder.Find("select") != nullptr) {
    builder.Fault(value, "'select' says which columns there are, so 'drop' has no place beside it",
                  "take the column out of 'select'");
    return;
  }
  const Schema& schema = *builder.schema();
  std::vector<std::string> known;
  for (const Field& field : schema.fields()) {
    if (!builder.IsHidden(field.name)) known.push_back(field.name);
  }
  const std::vector<YamlNode> one{value};
  std::set<std::string> dropped;
  for (const YamlNode& item : value.kind() == YamlNode::Kind::kList ? value.items() : one) {
    std::string name;
    if (!ReadValue(item, builder.diagnostics(), name)) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      dropped.insert(name);
      continue;
    }
    const std::string nearest = NearestName(name, known);
    builder.Fault(item,
                  fmt::format("no column '{}' to drop; there is {}", name, fmt::join(known, ", ")),
                  nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
  }
  std::vector<ProjectedColumn> columns;
  for (size_t i = 0; i < schema.size(); i++) {
    if (!dropped.contains(schema[i].name)) {
      columns.push_back({schema[i].name, static_cast<int>(i), nullptr});
    }
  }
  if (dropped.size() == known.size()) {
    builder.Fault(value, "'drop' leaves no column");
    return;
  }
  builder.Append(Project::Plan("drop", std::move(columns), schema));
}

}  // namespace weir
