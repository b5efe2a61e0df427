#include "expr/binder.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/yaml.h"
#include "expr/aggregates/aggregate_function.h"
#include "expr/functions/function.h"
#include "expr/operators.h"

namespace weir {
namespace {

constexpr size_t kMostListed = 20;

std::string ListOf(const Schema& schema) {
  std::string names;
  for (size_t i = 0; i < schema.size() && i < kMostListed; i++) {
    names += (i > 0 ? ", " : "") + schema[i].name;
  }
  return schema.size() > kMostListed ? names + ", …" : names;
}

std::vector<std::string> NamesOf(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields()) names.push_back(field.name);
  return names;
}

/// An int32 that stands for the int64 literal where it is compared with one; null if it does not.
NodePtr NarrowLiteral(const NodePtr& node) {
  const Column* literal = node->Literal();
  if (literal == nullptr || !node->type.Is(TypeKind::kInt64) || literal->IsNull(0)) return nullptr;
  const int64_t value = literal->values<int64_t>()[0];
  if (value < INT32_MIN || value > INT32_MAX) return nullptr;
  return MakeConstant(OneValue<int32_t>(TypeKind::kInt32, static_cast<int32_t>(value)));
}

}  // namespace

std::string DidYouMean(std::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = NearestName(name, known);
  return nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest);
}

NodePtr Binder::Fault(size_t offset, size_t length, std::string message, std::string cure) {
  faults_.push_back({offset, std::max<size_t>(length, 1), std::move(message), std::move(cure)});
  return nullptr;
}

NodePtr Binder::Bind(const Ast& ast) {
  NodePtr node = BindUnfolded(ast);
  return node ? Fold(std::move(node)) : nullptr;
}

NodePtr Binder::BindUnfolded(const Ast& ast) {
  switch (ast.kind) {
    case Ast::Kind::kLiteral:
      return MakeConstant(ast.literal);
    case Ast::Kind::kColumn:
      return BindColumn(ast);
    case Ast::Kind::kNegate:
      return BindNegate(ast);
    case Ast::Kind::kNot: {
      NodePtr child = BindCondition(*ast.children[0], "'not'");
      return child ? MakeNot(std::move(child)) : nullptr;
    }
    case Ast::Kind::kBinary:
      return BindBinary(ast);
    case Ast::Kind::kAnd:
    case Ast::Kind::kOr:
      return BindLogic(ast);
    case Ast::Kind::kIsNull: {
      NodePtr child = Bind(*ast.children[0]);
      return child ? MakeIsNull(std::move(child), ast.negated) : nullptr;
    }
    case Ast::Kind::kIn:
      return BindIn(ast);
    case Ast::Kind::kBetween:
      return BindBetween(ast);
    case Ast::Kind::kLike:
      return BindLike(ast);
    case Ast::Kind::kCase:
      return BindCase(ast);
    case Ast::Kind::kCast:
      return BindCast(ast);
    case Ast::Kind::kField:
      return BindField(ast);
    case Ast::Kind::kIndex:
      return BindIndex(ast);
    case Ast::Kind::kCall:
      return BindCall(ast);
  }
  return nullptr;
}

NodePtr Binder::BindColumn(const Ast& ast) {
  const int index = scope_.schema->Find(ast.name);
  if (index >= 0) {
    return MakeColumnNode(index, (*scope_.schema)[static_cast<size_t>(index)].type, ast.name);
  }
  for (const auto& [name, why] : scope_.hints) {
    if (name == ast.name) {
      return Fault(ast, fmt::format("'{}' may not stand here", Shorten(ast.name)), why);
    }
  }
  if (input_ != nullptr && input_->Find(ast.name) >= 0) {
    return Fault(ast,
                 fmt::format("the column '{}' is neither grouped by nor inside an aggregate",
                             Shorten(ast.name)),
                 fmt::format("add it to group_by, or take any({0}), first({0}) or max({0})",
                             Shorten(ast.name)));
  }
  std::string message = fmt::format("no column '{}'", Shorten(ast.name));
  if (!scope_.owner.empty()) message += fmt::format(" in '{}'", scope_.owner);
  if (scope_.schema->size() > 0) message += "; it has " + ListOf(*scope_.schema);
  std::vector<std::string> known = NamesOf(*scope_.schema);
  std::string cure = DidYouMean(ast.name, known);
  if (ast.name == "this") cure = "columns are named by themselves: price, not this.price";
  return Fault(ast, std::move(message), std::move(cure));
}

NodePtr Binder::Converted(NodePtr node, const Type& type, const Ast& ast) {
  if (!node || node->type == type) return node;
  if (type.Is(TypeKind::kInt32)) {
    if (NodePtr narrow = NarrowLiteral(node)) return narrow;
  }
  if (!ConvertsTo(node->type, type)) {
    return Fault(
        ast,
        fmt::format("{} is {}, expected {}", Text(ast), node->type.ToString(), type.ToString()),
        CastExists(node->type, type)
            ? fmt::format("write cast({} as {})", Text(ast), type.ToString())
            : "");
  }
  return Fold(MakeCast(std::move(node), type, false, Text(ast)));
}

NodePtr Binder::BindCondition(const Ast& ast, std::string_view what) {
  NodePtr node = Bind(ast);
  if (!node) return nullptr;
  if (!node->type.Is(TypeKind::kBool) && !node->type.Is(TypeKind::kNull)) {
    return Fault(ast, fmt::format("{} wants a condition (bool), but {} is {}", what, Text(ast),
                                  node->type.ToString()));
  }
  return Converted(std::move(node), TypeKind::kBool, ast);
}

NodePtr Binder::BindNegate(const Ast& ast) {
  NodePtr child = Bind(*ast.children[0]);
  if (!child) return nullptr;
  if (child->type.Is(TypeKind::kInt32)) child = MakeCast(child, TypeKind::kInt64, false, "");
  if (child->type.Is(TypeKind::kFloat)) child = MakeCast(child, TypeKind::kDouble, false, "");
  if (child->type.Is(TypeKind::kNull)) return child;
  if (!child->type.IsNumeric() && !child->type.Is(TypeKind::kDuration)) {
    return Fault(ast, fmt::format("'-' wants a number, but {} is {}", Text(*ast.children[0]),
                                  child->type.ToString()));
  }
  return MakeNegate(std::move(child), Text(ast));
}

NodePtr Binder::BindBinary(const Ast& ast) {
  NodePtr left = Bind(*ast.children[0]);
  NodePtr right = Bind(*ast.children[1]);
  if (!left || !right) return nullptr;
  if (ast.name == "||") return BindJoin(ast, std::move(left), std::move(right));
  if (ast.name.size() == 1 && std::string_view("+-*/%").find(ast.name[0]) < 5) {
    return BindArithmetic(ast, std::move(left), std::move(right));
  }
  return Compare(ast.name, std::move(left), std::move(right), ast);
}

NodePtr Binder::BindJoin(const Ast& ast, NodePtr left, NodePtr right) {
  for (size_t i = 0; i < 2; i++) {
    const NodePtr& side = i == 0 ? left : right;
    if (side->type.Is(TypeKind::kString) || side->type.Is(TypeKind::kNull)) continue;
    if (side->type.Is(TypeKind::kBytes) && left->type == right->type) continue;
    return Fault(*ast.children[i],
                 fmt::format("'||' wants strings, but {} is {}", Text(*ast.children[i]),
                             side->type.ToString()),
                 "concat(…) takes values of any type");
  }
  const Type type = left->type.Is(TypeKind::kNull) ? right->type : left->type;
  if (type.Is(TypeKind::kNull)) return left;
  return MakeJoin(MakeCast(std::move(left), type, false, ""),
                  MakeCast(std::move(right), type, false, ""));
}

NodePtr Binder::BindArithmetic(const Ast& ast, NodePtr left, NodePtr right) {
  const char op = ast.name[0];
  const Type a = left->type;
  const Type b = right->type;
  const auto is_time = [](const Type& type) {
    return type.Is(TypeKind::kTimestamp) || type.Is(TypeKind::kDate) ||
           type.Is(TypeKind::kDuration);
  };
  if (is_time(a) || is_time(b)) return BindTimeArithmetic(ast, left, right);
  for (size_t i = 0; i < 2; i++) {
    const Type& type = i == 0 ? a : b;
    if (type.IsNumeric() || type.Is(TypeKind::kNull)) continue;
    return Fault(*ast.children[i],
                 fmt::format("'{}' wants numbers, but {} is {}", op, Text(*ast.children[i]),
                             type.ToString()),
                 type.Is(TypeKind::kString)
                     ? (op == '+' ? "strings are joined with ||; a number in a string is read by "
                                    "cast(… as double)"
                                  : "a string never converts by itself: cast(… as double)")
                     : "");
  }
  Type result(TypeKind::kInt64);
  if (a.IsFloating() || b.IsFloating()) result = TypeKind::kDouble;
  const bool decimal = a.Is(TypeKind::kDecimal) || b.Is(TypeKind::kDecimal);
  if (decimal && !result.Is(TypeKind::kDouble)) {
    if (op == '/' || op == '%') {
      if (op == '%') {
        return Fault(ast, "'%' is not known for decimals", "cast them to int64 or double");
      }
      result = TypeKind::kDouble;
    } else {
      const auto as_decimal = [](const Type& type) {
        return type.Is(TypeKind::kDecimal) ? type
                                           : Type::Decimal(type.Is(TypeKind::kInt32) ? 10 : 19, 0);
      };
      const Type x = as_decimal(a);
      const Type y = as_decimal(b);
      const int scale = op == '*' ? x.scale() + y.scale() : std::max(x.scale(), y.scale());
      if (scale > 38) return Fault(ast, "the product would have more than 38 decimals");
      const int whole_x = x.precision() - x.scale();
      const int whole_y = y.precision() - y.scale();
      const int whole = op == '*' ? whole_x + whole_y : std::max(whole_x, whole_y) + 1;
      result = Type::Decimal(std::clamp(whole + scale, 1, 38), scale);
      const auto convert = [&](NodePtr node, const Type& from) {
        const Type to = op == '*' ? from : Type::Decimal(38, scale);
        return MakeCast(std::move(node), to, false, Text(ast));
      };
      return MakeArithmetic(op, convert(std::move(left), x), convert(std::move(right), y), result,
                            Text(ast));
    }
  }
  return MakeArithmetic(op, Fold(MakeCast(std::move(left), result, false, "")),
                        Fold(MakeCast(std::move(right), result, false, "")), result, Text(ast));
}

NodePtr Binder::BindTimeArithmetic(const Ast& ast, const NodePtr& left, const NodePtr& right) {
  const char op = ast.name[0];
  const auto micros = [&](NodePtr node) {
    return node->type.Is(TypeKind::kDate) || node->type.Is(TypeKind::kNull)
               ? MakeCast(std::move(node), TypeKind::kTimestamp, false, Text(ast))
               : node;
  };
  const auto is_point = [](const NodePtr& node) {
    return node->type.Is(TypeKind::kTimestamp) || node->type.Is(TypeKind::kDate);
  };
  const auto is = [](const NodePtr& node, TypeKind kind) {
    return node->type.Is(kind) || node->type.Is(TypeKind::kNull);
  };
  const auto make = [&](NodePtr a, NodePtr b, TypeKind result) {
    return MakeArithmetic(op, std::move(a), std::move(b), result, Text(ast));
  };
  const auto whole = [&](NodePtr node) {
    return MakeCast(std::move(node), TypeKind::kInt64, false, "");
  };
  if ((op == '+' || op == '-') && is_point(left) && is(right, TypeKind::kDuration)) {
    return make(micros(left), micros(right), TypeKind::kTimestamp);
  }
  if (op == '+' && is(left, TypeKind::kDuration) && is_point(right)) {
    return make(micros(left), micros(right), TypeKind::kTimestamp);
  }
  if (op == '-' && is_point(left) && is_point(right)) {
    return make(micros(left), micros(right), TypeKind::kDuration);
  }
  if ((op == '+' || op == '-') && is(left, TypeKind::kDuration) && is(right, TypeKind::kDuration)) {
    return make(micros(left), micros(right), TypeKind::kDuration);
  }
  if ((op == '*' || op == '/') && left->type.Is(TypeKind::kDuration) && right->type.IsInteger()) {
    return make(left, whole(right), TypeKind::kDuration);
  }
  if (op == '*' && left->type.IsInteger() && right->type.Is(TypeKind::kDuration)) {
    return make(whole(left), right, TypeKind::kDuration);
  }
  return Fault(ast,
               fmt::format("'{}' is not known between {} and {}", op, left->type.ToString(),
                           right->type.ToString()),
               "timestamp ± duration, timestamp - timestamp, duration ± duration and duration * "
               "integer are; date_diff('minute', from, to) counts whole units");
}

bool Binder::Meet(NodePtr& left, NodePtr& right, const Ast& ast, std::string_view op) {
  if (left->type.Is(TypeKind::kInt32)) {
    if (NodePtr narrow = NarrowLiteral(right)) right = std::move(narrow);
  }
  if (right->type.Is(TypeKind::kInt32)) {
    if (NodePtr narrow = NarrowLiteral(left)) left = std::move(narrow);
  }
  const std::optional<Type> common = CommonType(left->type, right->type);
  if (!common) {
    std::string cure;
    const Type& other = left->type.Is(TypeKind::kString) ? right->type : left->type;
    if (left->type.Is(TypeKind::kString) || right->type.Is(TypeKind::kString)) {
      cure =
          fmt::format("a string never converts by itself: write cast(… as {})", other.ToString());
      if (other.Is(TypeKind::kTimestamp)) cure += " or timestamp '2026-01-02T03:04:05Z'";
      if (other.Is(TypeKind::kBool)) cure = "a bool is a condition by itself; or compare with true";
    }
    Fault(ast,
          fmt::format("'{}' can't compare {} with {}", op, left->type.ToString(),
                      right->type.ToString()),
          std::move(cure));
    return false;
  }
  left = Fold(MakeCast(std::move(left), *common, false, Text(ast)));
  right = Fold(MakeCast(std::move(right), *common, false, Text(ast)));
  return true;
}

NodePtr Binder::Compare(std::string_view op, NodePtr left, NodePtr right, const Ast& ast) {
  if (!Meet(left, right, ast, op)) return nullptr;
  const Type& type = left->type;
  if (type.Is(TypeKind::kNull)) return MakeConstant(NullColumn(TypeKind::kBool, 1));
  if ((type.IsNested() || type.Is(TypeKind::kJson)) && op != "=" && op != "<>") {
    return Fault(ast, fmt::format("'{}' is not known for {}", op, type.ToString()));
  }
  return MakeCompare(op, std::move(left), std::move(right));
}

NodePtr Binder::BindLogic(const Ast& ast) {
  const bool conjunction = ast.kind == Ast::Kind::kAnd;
  std::vector<NodePtr> children;
  for (const AstPtr& child : ast.children) {
    if (NodePtr node = BindCondition(*child, conjunction ? "'and'" : "'or'")) {
      children.push_back(std::move(node));
    }
  }
  if (children.size() < ast.children.size()) return nullptr;
  return conjunction ? MakeAnd(std::move(children)) : MakeOr(std::move(children));
}

NodePtr Binder::BindIn(const Ast& ast) {
  NodePtr value = Bind(*ast.children[0]);
  std::vector<NodePtr> items;
  for (size_t i = 1; i < ast.children.size(); i++) {
    if (NodePtr item = Bind(*ast.children[i])) items.push_back(std::move(item));
  }
  if (!value || items.size() + 1 < ast.children.size()) return nullptr;
  bool literals = true;
  for (size_t i = 0; i < items.size(); i++) {
    NodePtr left = value;
    if (!Meet(left, items[i], *ast.children[i + 1], "in")) return nullptr;
    // All meet at the type of the widest; the value is converted once, at the end.
    if (items[i]->type != value->type) value = std::move(left);
    literals &= items[i]->Literal() != nullptr;
  }
  if (value->type.Is(TypeKind::kNull)) return MakeConstant(NullColumn(TypeKind::kBool, 1));
  for (NodePtr& item : items) {
    item = Fold(MakeCast(std::move(item), value->type, false, Text(ast)));
    literals &= item->Literal() != nullptr;
  }
  if (literals) {
    std::vector<ColumnPtr> list;
    for (const NodePtr& item : items) {
      list.push_back(std::make_shared<const Column>(*item->Literal()));
    }
    return MakeIn(std::move(value), std::move(list), ast.negated);
  }
  std::vector<NodePtr> equals;
  for (NodePtr& item : items) equals.push_back(MakeCompare("=", value, std::move(item)));
  NodePtr any = equals.size() == 1 ? equals[0] : MakeOr(std::move(equals));
  return ast.negated ? MakeNot(std::move(any)) : any;
}

NodePtr Binder::BindBetween(const Ast& ast) {
  NodePtr value = Bind(*ast.children[0]);
  NodePtr low = Bind(*ast.children[1]);
  NodePtr high = Bind(*ast.children[2]);
  if (!value || !low || !high) return nullptr;
  NodePtr above = Compare(">=", value, std::move(low), ast);
  NodePtr below = Compare("<=", value, std::move(high), ast);
  if (!above || !below) return nullptr;
  NodePtr both = MakeAnd({std::move(above), std::move(below)});
  return ast.negated ? MakeNot(std::move(both)) : both;
}

NodePtr Binder::BindLike(const Ast& ast) {
  NodePtr value = Converted(Bind(*ast.children[0]), TypeKind::kString, *ast.children[0]);
  NodePtr pattern = Converted(Bind(*ast.children[1]), TypeKind::kString, *ast.children[1]);
  if (!value || !pattern) return nullptr;
  const Column* literal = pattern->Literal();
  if (literal == nullptr) {
    return Fault(*ast.children[1], "the pattern of 'like' must be a literal",
                 "starts_with(text, prefix) and contains(text, part) take any string");
  }
  if (literal->IsNull(0)) return MakeConstant(NullColumn(TypeKind::kBool, 1));
  return MakeLike(std::move(value), literal->text(0), ast.negated);
}

NodePtr Binder::BindCase(const Ast& ast) {
  size_t at = 0;
  NodePtr operand;
  if (ast.has_operand) {
    operand = Bind(*ast.children[at++]);
    if (!operand) return nullptr;
  }
  const size_t end = ast.children.size() - (ast.has_else ? 1 : 0);
  std::vector<NodePtr> conditions;
  std::vector<NodePtr> values;
  std::vector<const Ast*> sources;
  bool good = true;
  for (; at < end; at += 2) {
    const Ast& when = *ast.children[at];
    NodePtr condition;
    if (operand) {
      NodePtr value = Bind(when);
      if (value) condition = Compare("=", operand, std::move(value), when);
    } else {
      condition = BindCondition(when, "'when'");
    }
    NodePtr value = Bind(*ast.children[at + 1]);
    good &= condition && value;
    conditions.push_back(std::move(condition));
    values.push_back(std::move(value));
    sources.push_back(ast.children[at + 1].get());
  }
  values.push_back(ast.has_else ? Bind(*ast.children.back())
                                : MakeConstant(NullColumn(TypeKind::kNull, 1)));
  sources.push_back(ast.children.back().get());
  if (!good || !values.back()) return nullptr;
  std::optional<Type> type = values[0]->type;
  for (size_t i = 1; i < values.size(); i++) {
    const std::optional<Type> wider = CommonType(*type, values[i]->type);
    if (!wider) {
      return Fault(*sources[i],
                   fmt::format("{} is {}, but the values before it are {}", Text(*sources[i]),
                               values[i]->type.ToString(), type->ToString()),
                   "all values of a case have one type");
    }
    type = wider;
  }
  for (NodePtr& value : values) value = Fold(MakeCast(std::move(value), *type, false, Text(ast)));
  return MakeCase(std::move(conditions), std::move(values));
}

NodePtr Binder::BindCast(const Ast& ast) {
  NodePtr value = Bind(*ast.children[0]);
  if (!value) return nullptr;
  if (!CastExists(value->type, ast.type)) {
    return Fault(
        ast, fmt::format("{} does not cast to {}", value->type.ToString(), ast.type.ToString()),
        value->type.Is(TypeKind::kJson) ? "json_get(value, 'path') takes a part of it" : "");
  }
  return MakeCast(std::move(value), ast.type, ast.lenient, Text(ast));
}

NodePtr Binder::BindField(const Ast& ast) {
  const Ast& base = *ast.children[0];
  // `stock.price` where stock is the node whose columns these are.
  if (base.kind == Ast::Kind::kColumn && base.name == scope_.owner &&
      scope_.schema->Find(base.name) < 0) {
    const int index = scope_.schema->Find(ast.name);
    if (index >= 0) {
      return MakeColumnNode(index, (*scope_.schema)[static_cast<size_t>(index)].type, ast.name);
    }
  }
  NodePtr value = Bind(base);
  if (!value) return nullptr;
  if (!value->type.Is(TypeKind::kStruct)) {
    return Fault(ast.name_offset, ast.name_length,
                 fmt::format("{} is {} and has no fields", Text(base), value->type.ToString()),
                 value->type.Is(TypeKind::kJson)
                     ? fmt::format("write json_get({}, '{}')", Text(base), Shorten(ast.name))
                 : value->type.Is(TypeKind::kMap)
                     ? fmt::format("write {}['{}']", Text(base), Shorten(ast.name))
                     : "");
  }
  const std::vector<Field>& fields = value->type.children();
  for (size_t i = 0; i < fields.size(); i++) {
    if (fields[i].name == ast.name) return MakeField(std::move(value), i);
  }
  const Schema schema(fields);
  return Fault(ast.name_offset, ast.name_length,
               fmt::format("no field '{}' in '{}'; it has {}", Shorten(ast.name), Text(base),
                           ListOf(schema)),
               DidYouMean(ast.name, NamesOf(schema)));
}

NodePtr Binder::BindIndex(const Ast& ast) {
  NodePtr value = Bind(*ast.children[0]);
  NodePtr index = Bind(*ast.children[1]);
  if (!value || !index) return nullptr;
  if (!value->type.Is(TypeKind::kList) && !value->type.Is(TypeKind::kMap)) {
    return Fault(*ast.children[0], fmt::format("[…] wants a list or a map, but {} is {}",
                                               Text(*ast.children[0]), value->type.ToString()));
  }
  const Type wanted = value->type.Is(TypeKind::kList) ? TypeKind::kInt64 : TypeKind::kString;
  index = Converted(std::move(index), wanted, *ast.children[1]);
  return index ? MakeIndex(std::move(value), std::move(index)) : nullptr;
}

}  // namespace weir
