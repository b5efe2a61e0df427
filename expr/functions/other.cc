#include <array>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/ids.h"
#include "batch/key.h"
#include "batch/render.h"
#include "expr/functions/function.h"
#include "expr/json_text.h"
#include "expr/operators.h"

namespace weir {
namespace {

std::vector<NodePtr> NodesOf(const CallBinder& call) {
  std::vector<NodePtr> nodes;
  for (size_t i = 0; i < call.size(); i++) nodes.push_back(call.node(i));
  return nodes;
}

NodePtr BindCoalesce(CallBinder& call) {
  if (!call.Unify(0)) return nullptr;
  return call.size() == 1 ? call.node(0) : MakeCoalesce(NodesOf(call));
}

NodePtr BindIf(CallBinder& call) {
  if (!call.Unify(1)) return nullptr;
  return MakeCase({call.node(0)}, {call.node(1), call.node(2)});
}

NodePtr BindNullIf(CallBinder& call) {
  const std::optional<Type> type = call.Unify(0);
  if (!type) return nullptr;
  NodePtr null = MakeConstant(NullColumn(*type, 1));
  if (type->Is(TypeKind::kNull)) return null;
  return MakeCase({MakeCompare("=", call.node(0), call.node(1))}, {std::move(null), call.node(0)});
}

NodePtr BindHash(CallBinder& call) {
  return call.Make(TypeKind::kInt64, [](const Call& c) -> Vector {
    std::vector<ColumnPtr> columns;
    for (const Vector& argument : c.arguments) {
      if (argument.constant && c.rows > 1) {
        const std::vector<uint32_t> same(c.rows, 0);
        columns.push_back(Take(argument.column, same));
      } else {
        columns.push_back(argument.column);
      }
    }
    const KeyColumn keys = KeyColumn::Of(columns, c.rows);
    ColumnBuilder out(TypeKind::kInt64);
    for (size_t row = 0; row < c.rows; row++) {
      bool null = false;
      for (const ColumnPtr& column : columns) null |= column->IsNull(row);
      if (null) {
        out.AppendNull();
      } else {
        out.Append(static_cast<int64_t>(keys.hash(row)));
      }
    }
    return {out.Finish(), c.constant};
  });
}

NodePtr BindBase64(CallBinder& call) {
  if (!call.type(0).Is(TypeKind::kBytes) && !call.Convert(0, TypeKind::kString)) return nullptr;
  return call.Make(TypeKind::kString, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string text;
                     AppendBase64(text, c[0].Text(row));
                     out.AppendText(text);
                   }));
}

NodePtr BindUnbase64(CallBinder& call) {
  return call.Make(TypeKind::kBytes, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     std::string bytes;
                     if (DecodeBase64(c[0].Text(row), bytes)) return out.AppendText(bytes);
                     c.Fail(row, "the text is not base64");
                     out.AppendNull();
                   }),
                   {.can_fail = true});
}

NodePtr BindUuid(CallBinder& call) {
  return call.Make(TypeKind::kString, EachRow([](const Call&, size_t, ColumnBuilder& out) {
                     std::string id = RandomId();
                     id[12] = '4';  // Version 4, variant 1 of RFC 4122.
                     id[16] = "89ab"[static_cast<size_t>(id[16]) % 4];
                     out.AppendText(fmt::format("{}-{}-{}-{}-{}", id.substr(0, 8), id.substr(8, 4),
                                                id.substr(12, 4), id.substr(16, 4), id.substr(20)));
                   }),
                   {.pure = false});
}

NodePtr BindJsonGet(CallBinder& call) {
  const std::optional<std::string> path = call.LiteralText(1, "path");
  if (!path) return nullptr;
  if (!call.type(0).Is(TypeKind::kJson) && !call.Convert(0, TypeKind::kString)) return nullptr;
  return call.Make(TypeKind::kString,
                   EachRow([path = *path](const Call& c, size_t row, ColumnBuilder& out) {
                     bool valid = true;
                     const std::optional<std::string> found = JsonAt(c[0].Text(row), path, valid);
                     if (!valid) c.Fail(row, "the text is not JSON");
                     if (found) {
                       out.AppendText(*found);
                     } else {
                       out.AppendNull();
                     }
                   }),
                   {.can_fail = true});
}

constexpr std::array kFunctions = {
    Function{"coalesce", "other", "(values any...) -> any",
             "The first value that is not null; those after it are not looked at.",
             "coalesce(null, 2, 1 / 0)", "2", BindCoalesce},
    Function{"if", "other", "(condition bool, then any, else any) -> any",
             "`then` where the condition is true, otherwise `else`; only the one that is taken is "
             "looked at.",
             "if(1 > 2, 1 / 0, 5)", "5", BindIf},
    Function{"nullif", "other", "(value any, other any) -> any",
             "The value, or null where it equals the other one.", "nullif('N/A', 'N/A')", "null",
             BindNullIf},
    Function{"hash", "other", "(values any...) -> int64",
             "A number of 64 bits, the same for equal values on every machine and for ever.",
             "hash('a') = hash('a')", "true", BindHash},
    Function{"base64", "other", "(value any) -> string", "Bytes (or a string) as base64 text.",
             "base64('weir')", "\"d2Vpcg==\"", BindBase64},
    Function{"unbase64", "other", "(text string) -> bytes",
             "The bytes that base64 text stands for; other text is a row error.",
             "cast(unbase64('d2Vpcg==') as string)", "\"weir\"", BindUnbase64},
    Function{"uuid", "other", "() -> string",
             "A new random UUID for each row. A row that is worked on again after a failure gets "
             "another one.",
             "uuid()", "", BindUuid},
    Function{"json_get", "json", "(value any, path string) -> string",
             "The part of a json (or a string of JSON) under a path like 'user.tags[0]', counted "
             "from 0: strings without quotes, all else as JSON; null where there is none.",
             "json_get('{\"user\":{\"tags\":[\"a\",\"b\"]}}', 'user.tags[1]')", "\"b\"",
             BindJsonGet},
};

}  // namespace

std::span<const Function> OtherFunctions() { return kFunctions; }

}  // namespace weir
