#include <fmt/format.h>

#include "config/spec.h"
#include "operators/call.h"
#include "operators/step_builder.h"

namespace weir {
namespace {

/// `call: { program: handler, columns: { message: string }, timeout: 10s }`.
struct CallSpec {
  std::string program;
  YamlNode columns;
  Duration timeout = Duration::Seconds(10);
  static const Spec<CallSpec>& Describe();
};

const Spec<CallSpec>& CallSpec::Describe() {
  static const Spec<CallSpec> spec(
      "call", "Gives each batch to a program of the worker's own list.",
      {Required("program", &CallSpec::program, "Its name in that list (`programs` of weir.yaml).",
                NotEmpty),
       Required("columns", &CallSpec::columns, "The columns that its answers add, with types."),
       Optional("timeout", &CallSpec::timeout, Duration::Seconds(10),
                "How long it may take to answer to a batch, of 1024 rows at most; then it is "
                "started anew.",
                Positive, AtMost(Duration::Hours(1)))},
      "call: { program: handler, columns: { message: string } }");
  return spec;
}

}  // namespace

const SpecBase* CallClauseSpec() { return &CallSpec::Describe(); }

void PlanCall(const YamlNode& value, StepBuilder& builder) {
  CallSpec call;
  if (!CallSpec::Describe().Read(value, builder.diagnostics(), call)) return;
  if (call.columns.kind() != YamlNode::Kind::kMap || call.columns.entries().empty()) {
    builder.Fault(call.columns, "'columns' of a call are the names and types of what it answers",
                  "write columns: { message: string }");
    return;
  }
  std::vector<Field> fields;
  bool good = true;
  for (const YamlNode::Entry& entry : call.columns.entries()) {
    ExpressionText text;
    if (!ReadValue(entry.value, builder.diagnostics(), text)) {
      good = false;
      continue;
    }
    Result<Type> type = Type::Parse(text.text);
    if (!type.ok()) {
      builder.Fault(entry.value, type.status().message(), type.status().cure());
      good = false;
    } else if (entry.key.starts_with('_')) {
      builder.Fault(entry.value,
                    fmt::format("no column '{}': a program's own words begin with _", entry.key));
      good = false;
    } else {
      fields.push_back({entry.key, *std::move(type)});
    }
  }
  if (!good) return;
  const Schema& input = *builder.schema();
  std::vector<int> shown;
  for (size_t i = 0; i < input.size(); i++) {
    if (!builder.IsHidden(input[i].name)) shown.push_back(static_cast<int>(i));
  }
  builder.Append(CallProgram::Plan(call.program, call.timeout, std::move(shown),
                                   Schema(std::move(fields)), input));
}

}  // namespace weir
