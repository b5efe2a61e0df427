#include "expr/expression.h"

#include <algorithm>

#include "expr/binder.h"
#include "expr/bound.h"
#include "expr/parser.h"

namespace weir {

std::vector<int> ColumnsOf(std::initializer_list<const Node*> nodes) {
  std::vector<int> columns;
  for (const Node* node : nodes) {
    if (node == nullptr) continue;
    for (const NamedColumn& read : node->reads) columns.push_back(read.index);
  }
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

namespace {

class BoundExpression final : public Expression {
 public:
  BoundExpression(NodePtr root, std::string_view text) : root_(std::move(root)) {
    type_ = root_->type;
    text_ = text;
    columns_ = ColumnsOf({root_.get()});
  }

  ColumnPtr Evaluate(const Batch& batch, const EvalContext& context,
                     std::vector<RowError>& errors) const override {
    Failures failures;
    Frame frame(batch, context, failures);
    Vector value = root_->Evaluate(frame);
    if (value.constant) {
      value.column = Take(value.column, std::vector<uint32_t>(batch.rows(), 0));
    }
    if (failures.empty()) return value.column;
    ColumnBuilder out(type_);
    out.Reserve(batch.rows());
    for (uint32_t row = 0; row < batch.rows(); row++) {
      if (failures.Has(row)) {
        out.AppendNull();
      } else {
        out.AppendFrom(*value.column, row);
      }
    }
    std::vector<RowError> found = failures.Take();
    errors.insert(errors.end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
    return out.Finish();
  }

 private:
  NodePtr root_;
};

ExpressionPtr BindWanted(std::string_view text, const Type* wanted, const Scope& scope,
                         std::vector<ExpressionFault>& faults) {
  const size_t before = faults.size();
  const AstPtr ast = Parse(text, faults);
  if (!ast) return nullptr;
  Binder binder(text, scope, faults);
  NodePtr root = binder.Bind(*ast);
  if (root && wanted != nullptr) root = binder.Converted(std::move(root), *wanted, *ast);
  if (!root || faults.size() > before) return nullptr;
  return MakeExpression(std::move(root), text);
}

}  // namespace

ExpressionPtr MakeExpression(NodePtr root, std::string_view text) {
  return std::make_shared<BoundExpression>(std::move(root), text);
}

ExpressionPtr BindExpression(std::string_view text, const Scope& scope,
                             std::vector<ExpressionFault>& faults) {
  return BindWanted(text, nullptr, scope, faults);
}

ExpressionPtr BindExpressionAs(std::string_view text, const Type& wanted, const Scope& scope,
                               std::vector<ExpressionFault>& faults) {
  return BindWanted(text, &wanted, scope, faults);
}

}  // namespace weir
