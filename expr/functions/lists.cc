#include <array>

#include <fmt/format.h>

#include "expr/functions/function.h"
#include "expr/operators.h"

namespace weir {
namespace {

NodePtr BindSize(CallBinder& call) {
  if (!call.type(0).Is(TypeKind::kList) && !call.type(0).Is(TypeKind::kMap)) {
    return call.Fault(
        0, fmt::format("{} is {}, expected a list or a map", call.text(0), call.type(0).ToString()),
        call.type(0).Is(TypeKind::kString) ? "length(text) counts characters" : "");
  }
  return call.Make(TypeKind::kInt64, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const std::span<const uint32_t> offsets = c[0].column->offsets();
                     const size_t at = c[0].At(row);
                     out.Append(static_cast<int64_t>(offsets[at + 1] - offsets[at]));
                   }));
}

NodePtr BindContains(CallBinder& call) {
  if (call.type(0).Is(TypeKind::kString)) {
    if (!call.Convert(1, TypeKind::kString)) return nullptr;
    return call.Make(
        TypeKind::kBool, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
          out.AppendBool(c[0].Text(row).find(c[1].Text(row)) != std::string_view::npos);
        }));
  }
  if (!call.type(0).Is(TypeKind::kList)) {
    return call.Fault(0, fmt::format("{} is {}, expected a list or a string", call.text(0),
                                     call.type(0).ToString()));
  }
  const Type element = call.type(0).children()[0].type;
  // A literal that fits stands for the element's narrower int.
  const Column* literal = call.node(1)->Literal();
  const bool narrow =
      element.Is(TypeKind::kInt32) && literal != nullptr && literal->type().Is(TypeKind::kInt64);
  if (!narrow && !call.Convert(1, element)) return nullptr;
  return call.Make(
      TypeKind::kBool, EachRow([narrow](const Call& c, size_t row, ColumnBuilder& out) {
        const Column& list = *c[0].column;
        const Column& elements = *list.child(0);
        const size_t at = c[0].At(row);
        bool found = false;
        for (uint32_t k = list.offsets()[at]; k < list.offsets()[at + 1] && !found; k++) {
          if (elements.IsNull(k)) continue;
          found = narrow ? elements.values<int32_t>()[k] == c[1].Get<int64_t>(row)
                         : CellsEqual(elements, k, *c[1].column, c[1].At(row));
        }
        out.AppendBool(found);
      }));
}

NodePtr BindList(CallBinder& call) {
  const std::optional<Type> type = call.Unify(0);
  if (!type) return nullptr;
  if (type->Is(TypeKind::kNull)) {
    return call.Fault(0, "a list of nothing but nulls has no type",
                      "cast one: cast(null as int64)");
  }
  return call.Make(Type::List(*type),
                   [](const Call& c) -> Vector {
                     ColumnBuilder out(c.type);
                     for (size_t row = 0; row < c.rows; row++) {
                       for (const Vector& argument : c.arguments) {
                         out.child(0).AppendFrom(*argument.column, argument.At(row));
                       }
                       out.AppendNested();
                     }
                     return {out.Finish(), c.constant};
                   },
                   {.strict = false});
}

constexpr std::array kFunctions = {
    Function{"size", "lists", "(values any) -> int64", "Elements of a list, or entries of a map.",
             "size(list(1, 2, 2))", "3", BindSize},
    Function{"contains", "lists", "(values any, value any) -> bool",
             "Whether the list has the element, or the string has the part.",
             "contains(list('a', 'b'), 'b')", "true", BindContains},
    Function{"list", "lists", "(values any...) -> list",
             "The values as a list; they have one type, nulls are kept.", "list(1, null, 2)",
             "[1,null,2]", BindList},
};

}  // namespace

std::span<const Function> ListFunctions() { return kFunctions; }

}  // namespace weir
