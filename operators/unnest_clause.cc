#include <fmt/format.h>

#include "operators/step_builder.h"
#include "operators/unnest.h"

namespace weir {

void PlanUnnest(const YamlNode& value, StepBuilder& builder) {
  if (value.kind() != YamlNode::Kind::kMap || value.entries().size() != 1) {
    builder.Fault(value, "'unnest' is one name and the list whose elements it is to stand for",
                  "write unnest: { item: list_column }");
    return;
  }
  const Schema& schema = *builder.schema();
  const std::vector<NamedExpression> named = builder.ReadNamed(value, "unnest", schema);
  if (named.empty()) return;
  ExpressionPtr list = builder.Bind(named[0].node, builder.CurrentScope());
  if (!list) return;
  if (!list->type().Is(TypeKind::kList)) {
    builder.Fault(named[0].node,
                  fmt::format("'{}' is {}, not a list", list->text(), list->type().ToString()));
    return;
  }
  // A list beside each of its own elements costs its length squared: where nothing after this can
  // see it, it is not carried on.
  const int plain = PlainColumn(*list, schema);
  const bool chosen_later = builder.Find("select") != nullptr ||
                            builder.Find("window") != nullptr ||
                            builder.Find("group_by") != nullptr;
  const bool unseen = plain >= 0 && chosen_later &&
                      !builder.Mentions(schema[static_cast<size_t>(plain)].name, "unnest");
  builder.Append(Unnest::Plan(named[0].name, std::move(list), schema, unseen ? plain : -1));
}

}  // namespace weir
