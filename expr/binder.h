#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "expr/ast.h"
#include "expr/node.h"

namespace weir {

/// Gives names and types to a parsed expression. One binder per expression.
class Binder {
 public:
  /// Makes an aggregate call into a node, or tells a fault and gives null.
  using OnAggregate = std::function<NodePtr(const Ast& call)>;

  /// `input`: columns that exist but stand only inside aggregates here, for messages; may be null.
  Binder(std::string_view text, const Scope& scope, std::vector<ExpressionFault>& faults,
         OnAggregate on_aggregate = nullptr, const Schema* input = nullptr)
      : text_(text),
        scope_(scope),
        faults_(faults),
        on_aggregate_(std::move(on_aggregate)),
        input_(input) {}

  /// Null where there was a fault; all faults inside are told.
  NodePtr Bind(const Ast& ast);
  /// The node as `type` where it becomes that by itself; otherwise a fault and null.
  NodePtr Converted(NodePtr node, const Type& type, const Ast& ast);

 private:
  NodePtr BindUnfolded(const Ast& ast);
  NodePtr BindColumn(const Ast& ast);
  NodePtr BindNegate(const Ast& ast);
  NodePtr BindBinary(const Ast& ast);
  NodePtr BindArithmetic(const Ast& ast, NodePtr left, NodePtr right);
  NodePtr BindTimeArithmetic(const Ast& ast, const NodePtr& left, const NodePtr& right);
  NodePtr BindJoin(const Ast& ast, NodePtr left, NodePtr right);
  NodePtr BindLogic(const Ast& ast);
  NodePtr BindIn(const Ast& ast);
  NodePtr BindBetween(const Ast& ast);
  NodePtr BindLike(const Ast& ast);
  NodePtr BindCase(const Ast& ast);
  NodePtr BindCast(const Ast& ast);
  NodePtr BindField(const Ast& ast);
  NodePtr BindIndex(const Ast& ast);
  NodePtr BindCall(const Ast& ast);
  NodePtr BindCondition(const Ast& ast, std::string_view what);

  /// Brings two values to one type for a comparison; false after a fault.
  bool Meet(NodePtr& left, NodePtr& right, const Ast& ast, std::string_view op);
  NodePtr Compare(std::string_view op, NodePtr left, NodePtr right, const Ast& ast);

  std::string Text(const Ast& ast) const { return Shorten(text_.substr(ast.offset, ast.length)); }
  NodePtr Fault(size_t offset, size_t length, std::string message, std::string cure = {});
  NodePtr Fault(const Ast& ast, std::string message, std::string cure = {}) {
    return Fault(ast.offset, ast.length, std::move(message), std::move(cure));
  }

  std::string_view text_;
  const Scope& scope_;
  std::vector<ExpressionFault>& faults_;
  OnAggregate on_aggregate_;
  const Schema* input_;
};

/// `did you mean 'price'?`, or empty where nothing known is near.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

}  // namespace weir
