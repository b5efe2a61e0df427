#include <algorithm>

#include <fmt/format.h>

#include "config/yaml.h"
#include "expr/aggregates/aggregate_function.h"
#include "expr/binder.h"
#include "expr/functions/function.h"
#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

class CallNode final : public Node {
 public:
  CallNode(std::vector<NodePtr> arguments, Type result, Kernel kernel, CallBinder::Traits traits,
           std::string text_in)
      : arguments_(std::move(arguments)), kernel_(std::move(kernel)), traits_(traits) {
    for (const NodePtr& argument : arguments_) TakeReads(*this, argument);
    type = std::move(result);
    text = std::move(text_in);
    can_fail |= traits.can_fail;
    pure &= traits.pure;
  }

  Vector Evaluate(Frame& frame) const override {
    std::vector<Vector> arguments;
    arguments.reserve(arguments_.size());
    bool constant = traits_.pure;
    for (const NodePtr& argument : arguments_) {
      arguments.push_back(argument->Evaluate(frame));
      constant &= arguments.back().constant;
      if (traits_.strict && arguments.back().IsNullConstant()) return {NullColumn(type, 1), true};
    }
    const Call call{arguments, constant ? 1 : frame.rows(), type, frame, *this, constant};
    return kernel_(call);
  }

 private:
  std::vector<NodePtr> arguments_;
  Kernel kernel_;
  CallBinder::Traits traits_;
};

struct Parameter {
  std::string_view name;
  std::string_view type;
  bool optional = false;
  bool repeated = false;
};

/// Reads a signature's parameters.
std::vector<Parameter> ParametersOf(std::string_view signature) {
  std::vector<Parameter> parameters;
  size_t at = signature.find('(') + 1;
  bool optional = false;
  const size_t end = signature.find(") ->");
  while (at < end) {
    const char c = signature[at];
    if (c == '[') optional = true;
    if (c == ' ' || c == ',' || c == '[' || c == ']') {
      at++;
      continue;
    }
    Parameter parameter;
    parameter.optional = optional;
    const size_t space = signature.find(' ', at);
    parameter.name = signature.substr(at, space - at);
    at = space + 1;
    int nested = 0;
    size_t stop = at;
    while (stop < end && (nested > 0 || (signature[stop] != ',' && signature[stop] != ']'))) {
      if (signature[stop] == '<') nested++;
      if (signature[stop] == '>') nested--;
      stop++;
    }
    parameter.type = signature.substr(at, stop - at);
    if (parameter.type.ends_with("...")) {
      parameter.repeated = true;
      parameter.type.remove_suffix(3);
    }
    at = stop;
    parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<std::string> KnownNames() {
  std::vector<std::string> names;
  for (const Function* function : AllFunctions()) names.emplace_back(function->name);
  for (const AggregateFunction& aggregate : AllAggregates()) names.emplace_back(aggregate.name);
  return names;
}

}  // namespace

const ForeignName* FindForeign(std::string_view name) {
  for (const ForeignName& foreign : ForeignNames()) {
    if (foreign.name == name) return &foreign;
  }
  return nullptr;
}

std::string_view ResolveName(std::string_view name) {
  const ForeignName* foreign = FindForeign(name);
  return foreign != nullptr && !foreign->counterpart.empty() ? foreign->counterpart : name;
}

std::optional<Type> CommonType(const Type& a, const Type& b) {
  if (a == b || b.Is(TypeKind::kNull)) return a;
  if (a.Is(TypeKind::kNull)) return b;
  if (a.IsNumeric() && b.IsNumeric()) {
    if (a.IsFloating() || b.IsFloating()) return Type(TypeKind::kDouble);
    if (a.IsInteger() && b.IsInteger()) return Type(TypeKind::kInt64);
    const auto whole = [](const Type& type) {
      if (type.Is(TypeKind::kDecimal)) return type.precision() - type.scale();
      return type.Is(TypeKind::kInt32) ? 10 : 19;
    };
    const int scale = std::max(a.scale(), b.scale());
    return Type::Decimal(std::min(38, std::max(whole(a), whole(b)) + scale), scale);
  }
  const auto point = [](const Type& type) {
    return type.Is(TypeKind::kDate) || type.Is(TypeKind::kTimestamp);
  };
  if (point(a) && point(b)) return Type(TypeKind::kTimestamp);
  return std::nullopt;
}

bool ConvertsTo(const Type& from, const Type& to) {
  if (from == to || from.Is(TypeKind::kNull)) return true;
  if (to.Is(TypeKind::kInt64)) return from.Is(TypeKind::kInt32);
  if (to.Is(TypeKind::kDouble)) return from.IsInteger() || from.Is(TypeKind::kFloat);
  if (to.Is(TypeKind::kDecimal)) {
    if (from.Is(TypeKind::kDecimal)) {
      return from.scale() <= to.scale() &&
             from.precision() - from.scale() <= to.precision() - to.scale();
    }
    return from.IsInteger() && to.precision() - to.scale() >= (from.Is(TypeKind::kInt32) ? 10 : 19);
  }
  return to.Is(TypeKind::kTimestamp) && from.Is(TypeKind::kDate);
}

bool CallBinder::Convert(size_t i, const Type& wanted) {
  NodePtr& node = arguments_[i].node;
  if (node->type == wanted) return true;
  if (!ConvertsTo(node->type, wanted)) {
    std::string cure;
    if (CastExists(node->type, wanted)) {
      cure = fmt::format("write cast({} as {})", text(i), wanted.ToString());
    }
    Fault(i,
          fmt::format("argument {} of {} is {}, expected {}", i + 1, name_, node->type.ToString(),
                      wanted.ToString()),
          std::move(cure));
    return false;
  }
  node = Fold(MakeCast(std::move(node), wanted, false, text_));
  return true;
}

std::optional<Type> CallBinder::Unify(size_t first) {
  std::optional<Type> type = arguments_[first].node->type;
  for (size_t i = first + 1; i < arguments_.size(); i++) {
    const std::optional<Type> wider = CommonType(*type, this->type(i));
    if (!wider) {
      Fault(i,
            fmt::format("argument {} of {} is {}, those before it are {}", i + 1, name_,
                        this->type(i).ToString(), type->ToString()),
            "they must have one type");
      return std::nullopt;
    }
    type = wider;
  }
  for (size_t i = first; i < arguments_.size(); i++) {
    arguments_[i].node = Fold(MakeCast(arguments_[i].node, *type, false, text_));
  }
  return type;
}

std::optional<std::string> CallBinder::LiteralText(size_t i, std::string_view what) {
  const Column* literal = node(i)->Literal();
  if (literal != nullptr && literal->type().Is(TypeKind::kString) && !literal->IsNull(0)) {
    return std::string(literal->text(0));
  }
  Fault(i, fmt::format("the {} of {} must be a literal string", what, name_));
  return std::nullopt;
}

NodePtr CallBinder::Fault(size_t i, std::string message, std::string cure) {
  faults_.push_back({arguments_[i].offset, std::max<size_t>(arguments_[i].length, 1),
                     std::move(message), std::move(cure)});
  return nullptr;
}

NodePtr CallBinder::Make(Type result, Kernel kernel, Traits traits) const {
  std::vector<NodePtr> nodes;
  for (const Argument& argument : arguments_) nodes.push_back(argument.node);
  return std::make_shared<CallNode>(std::move(nodes), std::move(result), std::move(kernel), traits,
                                    text_);
}

bool CheckCall(const Ast& ast, std::string_view name, std::string_view signature,
               std::vector<ExpressionFault>& faults) {
  const std::vector<Parameter> parameters = ParametersOf(signature);
  const size_t count = ast.children.size();
  size_t least = 0;
  for (const Parameter& parameter : parameters) least += parameter.optional ? 0 : 1;
  const bool open = !parameters.empty() && parameters.back().repeated;
  if (count >= least && (open || count <= parameters.size())) return true;
  const size_t most = parameters.size();
  const auto counted = [](size_t n) { return fmt::format("{} argument{}", n, n == 1 ? "" : "s"); };
  const std::string expected = open            ? "at least " + counted(least)
                               : least == most ? counted(least)
                                               : fmt::format("{} to {}", least, counted(most));
  faults.push_back({ast.offset, ast.length,
                    fmt::format("{} takes {}, {} given", name, expected,
                                count == 0 ? "none" : std::to_string(count)),
                    fmt::format("{}{}", name, signature)});
  return false;
}

bool ConvertArguments(std::string_view signature, CallBinder& call) {
  const std::vector<Parameter> parameters = ParametersOf(signature);
  bool good = true;
  for (size_t i = 0; i < call.size(); i++) {
    const Parameter& parameter = parameters[std::min(i, parameters.size() - 1)];
    const Result<Type> type = Type::Parse(parameter.type);
    if (type.ok()) {
      good &= call.Convert(i, *type);
    } else if (parameter.type == "number") {
      if (call.type(i).Is(TypeKind::kNull)) {
        good &= call.Convert(i, TypeKind::kInt64);
      } else if (!call.type(i).IsNumeric()) {
        call.Fault(
            i, fmt::format("{} is {}, expected a number", call.text(i), call.type(i).ToString()),
            call.type(i).Is(TypeKind::kString) ? "a string never converts by itself: write "
                                                 "cast(… as double)"
                                               : "");
        good = false;
      }
    } else if (parameter.type == "list" && !call.type(i).Is(TypeKind::kList)) {
      call.Fault(i,
                 fmt::format("{} is {}, expected a list", call.text(i), call.type(i).ToString()));
      good = false;
    }
  }
  return good;
}

NodePtr Binder::BindCall(const Ast& ast) {
  std::string_view name = ast.name;
  if (const ForeignName* foreign = FindForeign(name)) {
    if (foreign->counterpart.empty()) {
      return Fault(ast, fmt::format("'{}' is not known here", Shorten(ast.name)),
                   std::string(foreign->hint));
    }
    name = ResolveName(name);
  }
  if (FindAggregate(name) != nullptr) {
    if (on_aggregate_) return on_aggregate_(ast);
    return Fault(ast, fmt::format("the aggregate '{}' may not stand here", name),
                 "aggregates stand in 'select' and 'having' of a step with a window or group_by");
  }
  std::vector<CallBinder::Argument> arguments;
  bool good = true;
  for (const AstPtr& child : ast.children) {
    NodePtr node = Bind(*child);
    good &= node != nullptr;
    arguments.push_back({std::move(node), child->offset, child->length, Text(*child)});
  }
  const Function* function = FindFunction(name);
  if (function == nullptr) {
    const std::string nearest = NearestName(name, KnownNames());
    return Fault(ast.name_offset, ast.name_length,
                 fmt::format("no function '{}'", Shorten(ast.name)),
                 nearest.empty() ? "`weir functions` lists all"
                                 : fmt::format("did you mean '{}'?", nearest));
  }
  if (ast.star || ast.distinct || ast.filter) {
    return Fault(ast, fmt::format("{} is not an aggregate and takes no '{}'", name,
                                  ast.star       ? "*"
                                  : ast.distinct ? "distinct"
                                                 : "filter"));
  }
  if (!CheckCall(ast, name, function->signature, faults_) || !good) return nullptr;
  CallBinder call(name, std::move(arguments), Text(ast), faults_);
  if (!ConvertArguments(function->signature, call)) return nullptr;
  return function->bind(call);
}

}  // namespace weir
