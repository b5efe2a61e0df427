#include "expr/ast.h"

#include "batch/render.h"

namespace weir {
namespace {

void Append(std::string& out, const Ast& ast) {
  out += '(';
  out += std::to_string(static_cast<int>(ast.kind));
  if (ast.negated) out += '!';
  if (ast.lenient) out += '?';
  if (ast.has_operand) out += 'o';
  if (ast.has_else) out += 'e';
  if (ast.distinct) out += 'd';
  if (!ast.name.empty()) AppendJsonString(out, ast.name);
  if (ast.kind == Ast::Kind::kCast) out += ast.type.ToString();
  if (ast.literal) {
    out += ast.literal->type().ToString();
    AppendJsonValue(out, *ast.literal, 0);
  }
  for (const AstPtr& child : ast.children) Append(out, *child);
  if (ast.filter) {
    out += '|';
    Append(out, *ast.filter);
  }
  out += ')';
}

}  // namespace

std::string Canonical(const Ast& ast) {
  std::string out;
  Append(out, ast);
  return out;
}

ColumnPtr OneText(TypeKind kind, std::string_view text) {
  ColumnBuilder builder{Type(kind)};
  builder.AppendText(text);
  return builder.Finish();
}

}  // namespace weir
