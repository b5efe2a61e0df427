#include "operators/step_builder.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/errors.h"
#include "config/node_spec.h"
#include "config/spec.h"
#include "operators/errors.h"
#include "operators/project.h"

namespace weir {
namespace {

bool IsPlainName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string WithoutBackticks(const std::string& text) {
  if (text.size() < 3 || text.front() != '`' || text.back() != '`') return text;
  return text.substr(1, text.size() - 2);
}

bool MentionedIn(const YamlNode& node, std::string_view word) {
  if (node.kind() == YamlNode::Kind::kScalar) return node.text().find(word) != std::string::npos;
  for (const YamlNode& item : node.items()) {
    if (MentionedIn(item, word)) return true;
  }
  for (const YamlNode::Entry& entry : node.entries()) {
    if (MentionedIn(entry.value, word)) return true;
  }
  return false;
}

/// How to write in a list what stands there without a name.
std::string HowToName(std::string_view clause, const std::string& text) {
  if (text == "*") return fmt::format("without '{}' all columns go on; leave it away", clause);
  std::string names = text;
  std::erase(names, ' ');
  std::replace(names.begin(), names.end(), ',', '_');
  if (text.find(',') != std::string::npos && IsPlainName(names)) {
    return fmt::format("write {}: [{}]", clause, text);
  }
  return fmt::format("write {}: {{ name: \"{}\" }}", clause, text);
}

}  // namespace

std::string ColumnText(const std::string& name) {
  return IsPlainName(name) ? name : "`" + name + "`";
}

int PlainColumn(const Expression& expression, const Schema& schema) {
  if (expression.columns().size() != 1) return -1;
  const int column = expression.columns()[0];
  const std::string& name = schema[static_cast<size_t>(column)].name;
  return WithoutBackticks(expression.text()) == name ? column : -1;
}

StepBuilder::StepBuilder(const YamlNode& step, const StepInput& input, Diagnostics& diagnostics)
    : step_(step), input_(input), diagnostics_(diagnostics), has_event_time_(input.has_event_time) {
  std::vector<Field> fields = input.schema->fields();
  for (size_t i = 0; i < input.hidden.size(); i++) {
    const Field& field = input.hidden[i];
    if (input.schema->Find(field.name) >= 0 || !Mentions(field.name, "from")) continue;
    plan_.hidden.push_back(static_cast<int>(i));
    hidden_.insert(field.name);
    fields.push_back(field);
  }
  schema_ = plan_.hidden.empty() ? input.schema : std::make_shared<const Schema>(std::move(fields));
  plan_.input = schema_;
}

bool StepBuilder::Mentions(std::string_view word, std::string_view except) const {
  for (const Clause& clause : AllClauses()) {
    const YamlNode* node = clause.key == except ? nullptr : Find(clause.key);
    if (node != nullptr && MentionedIn(*node, word)) return true;
  }
  return false;
}

void StepBuilder::Fault(const YamlNode& node, std::string message, std::string cure) {
  diagnostics_.Error(errors::kBadClause, node.place(), std::move(message), std::move(cure),
                     node.length());
}

void StepBuilder::Fault(const ExpressionFault& fault, const YamlNode& node) {
  diagnostics_.Error(errors::kBadExpression, node.PlaceAt(fault.offset), fault.message, fault.cure,
                     fault.length);
}

ExpressionPtr StepBuilder::Bind(const YamlNode& node, const Scope& scope) {
  ExpressionText text;
  if (!ReadValue(node, diagnostics_, text)) return nullptr;
  std::vector<ExpressionFault> faults;
  ExpressionPtr expression = BindExpression(text.text, scope, faults);
  for (const ExpressionFault& fault : faults) Fault(fault, node);
  return expression;
}

ExpressionPtr StepBuilder::BindAs(const YamlNode& node, const Type& type, const Scope& scope) {
  ExpressionText text;
  if (!ReadValue(node, diagnostics_, text)) return nullptr;
  std::vector<ExpressionFault> faults;
  ExpressionPtr expression = BindExpressionAs(text.text, type, scope, faults);
  for (const ExpressionFault& fault : faults) Fault(fault, node);
  return expression;
}

bool StepBuilder::CheckName(NamedExpression& named) {
  if (named.name.empty()) {
    diagnostics_.Error(errors::kBadClause, named.place, "a column must have a name");
    return false;
  }
  // `select: [kafka_offset]` asks for the column itself; only other meanings are refused.
  if (IsReservedColumn(named.name) && WithoutBackticks(named.text) != named.name) {
    diagnostics_.Error(errors::kReservedName, named.place,
                       fmt::format("'{}' is a name that weir gives itself", named.name),
                       "call the column something else", named.name.size());
    return false;
  }
  return true;
}

std::vector<NamedExpression> StepBuilder::ReadNamed(const YamlNode& node, std::string_view clause,
                                                    const Schema& known) {
  std::vector<NamedExpression> all;
  std::set<std::string> names;
  const auto add = [&](NamedExpression named) {
    if (!CheckName(named)) return;
    if (!names.insert(named.name).second) {
      diagnostics_.Error(errors::kBadClause, named.place,
                         fmt::format("the column '{}' is there twice", named.name),
                         "give one of them another name", named.name.size());
      return;
    }
    all.push_back(std::move(named));
  };
  const auto add_map = [&](const YamlNode& map) {
    for (const YamlNode::Entry& entry : map.entries()) {
      ExpressionText text;
      if (!ReadValue(entry.value, diagnostics_, text)) continue;
      add({entry.key, entry.key_place, text.text, entry.value, false});
    }
  };
  const auto add_alone = [&](const YamlNode& column) {
    ExpressionText text;
    if (!ReadValue(column, diagnostics_, text)) return;
    const std::string name = WithoutBackticks(text.text);
    if (known.Find(name) < 0 && name == text.text && !IsPlainName(name)) {
      Fault(column, fmt::format("an expression in '{}' needs a name", clause),
            HowToName(clause, text.text));
      return;
    }
    add({name, column.place(), ColumnText(name), column, true});
  };

  switch (node.kind()) {
    case YamlNode::Kind::kMap:
      add_map(node);
      break;
    case YamlNode::Kind::kList:
      for (const YamlNode& item : node.items()) {
        if (item.kind() == YamlNode::Kind::kMap) {
          add_map(item);
        } else {
          add_alone(item);
        }
      }
      break;
    case YamlNode::Kind::kScalar:
    case YamlNode::Kind::kNull:
      add_alone(node);
      break;
  }
  return all;
}

void StepBuilder::Append(OperatorPlanPtr plan) {
  schema_ = plan->output;
  plan_.operators.push_back(std::move(plan));
}

StepPlan StepBuilder::Finish() {
  if (!hidden_.empty()) {
    std::vector<ProjectedColumn> columns;
    for (size_t i = 0; i < schema_->size(); i++) {
      const std::string& name = (*schema_)[i].name;
      if (!IsHidden(name)) columns.push_back({name, static_cast<int>(i), nullptr});
    }
    Append(Project::Plan("drop", std::move(columns), *schema_));
  }
  plan_.output = schema_;
  plan_.has_event_time = has_event_time_;
  return std::move(plan_);
}

std::optional<StepPlan> PlanStep(const YamlNode& step, const StepInput& input,
                                 Diagnostics& diagnostics) {
  const auto errors = [&] {
    return std::count_if(diagnostics.items().begin(), diagnostics.items().end(),
                         [](const Diagnostics::Item& item) { return !item.warning; });
  };
  const auto errors_before = errors();
  StepBuilder builder(step, input, diagnostics);
  for (const Clause& clause : AllClauses()) {
    const YamlNode* value = step.Find(clause.key);
    if (value != nullptr && clause.plan != nullptr) clause.plan(*value, builder);
  }
  if (errors() > errors_before) return std::nullopt;
  return builder.Finish();
}

}  // namespace weir
