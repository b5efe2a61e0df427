#include <map>

#include <fmt/format.h>

#include "expr/aggregates/aggregate_function.h"
#include "expr/binder.h"
#include "expr/bound.h"
#include "expr/errors.h"
#include "expr/functions/function.h"
#include "expr/parser.h"

namespace weir {
namespace {

/// An accumulator with the argument and the filter that feed it.
class BoundAggregate final : public Aggregate {
 public:
  BoundAggregate(std::unique_ptr<const Accumulator> accumulator, NodePtr argument, NodePtr filter,
                 std::string text)
      : accumulator_(std::move(accumulator)),
        argument_(std::move(argument)),
        filter_(std::move(filter)) {
    type_ = accumulator_->type();
    text_ = std::move(text);
    columns_ = ColumnsOf({argument_.get(), filter_.get()});
  }

  bool CanFail() const override {
    return (argument_ && argument_->can_fail) || (filter_ && filter_->can_fail);
  }
  bool NeedsOrigins() const override { return accumulator_->NeedsOrigins(); }
  bool OwnsHeap() const override { return accumulator_->OwnsHeap(); }
  size_t size() const override { return accumulator_->size(); }
  void Init(std::byte* state) const override { accumulator_->Init(state); }
  void Destroy(std::byte* state) const override { accumulator_->Destroy(state); }
  size_t HeapBytes(const std::byte* state) const override { return accumulator_->HeapBytes(state); }
  Status Merge(std::byte* to, const std::byte* from) const override {
    return accumulator_->Merge(to, from) ? Status::Ok() : Overflow();
  }
  void Finish(const std::byte* state, ColumnBuilder& out) const override {
    accumulator_->Finish(state, out);
  }
  void Encode(const std::byte* state, std::string& out) const override {
    accumulator_->Encode(state, out);
  }
  bool Decode(std::string_view& bytes, std::byte* state) const override {
    return accumulator_->Decode(bytes, state);
  }

  Status Update(const Batch& batch, std::span<const uint32_t> rows,
                std::span<std::byte* const> states, size_t offset, const EvalContext& context,
                std::vector<RowError>& errors) const override {
    if (rows.empty()) return Status::Ok();
    Failures failures;
    std::vector<uint32_t> passed;
    if (filter_) {
      const Value filter = Evaluate(*filter_, batch, rows, context, failures);
      passed.reserve(rows.size());
      for (size_t k = 0; k < rows.size(); k++) {
        const size_t at = filter.by_batch_row ? rows[k] : k;
        if (!filter.vector.IsNull(at) && filter.vector.Get<uint8_t>(at) != 0 &&
            !failures.Has(rows[k])) {
          passed.push_back(rows[k]);
        }
      }
      rows = passed;
    }
    Value value{};
    std::vector<uint32_t> good;
    if (argument_ && !rows.empty()) {
      value = Evaluate(*argument_, batch, rows, context, failures);
      if (!failures.empty()) {
        for (const uint32_t row : rows) {
          if (!failures.Has(row)) good.push_back(row);
        }
        rows = good;
        Failures none;
        value = Evaluate(*argument_, batch, rows, context, none);
      }
    }
    if (!failures.empty()) {
      for (RowError& error : failures.Take()) errors.push_back(std::move(error));
    }
    if (rows.empty()) return Status::Ok();
    const Accumulator::Input input{
        batch,  rows,  value.vector.column, value.vector.constant, value.by_batch_row,
        states, offset};
    return accumulator_->Update(input) ? Status::Ok() : Overflow();
  }

 private:
  struct Value {
    Vector vector;
    bool by_batch_row = false;
  };

  /// The node's values for `rows`: of all rows of the batch where that costs less than picking.
  static Value Evaluate(const Node& node, const Batch& batch, std::span<const uint32_t> rows,
                        const EvalContext& context, Failures& failures) {
    if (rows.size() == batch.rows() || (!node.can_fail && rows.size() * 2 >= batch.rows()) ||
        node.ColumnIndex() >= 0) {
      Frame frame(batch, context, failures);
      return {node.Evaluate(frame), true};
    }
    Frame frame(batch, rows, context, failures);
    return {node.Evaluate(frame), false};
  }

  Status Overflow() const {
    return Status(errors::kAggregateOverflow,
                  fmt::format("{} does not fit {}", Shorten(text_), type_.ToString()),
                  "take a wider type inside: sum(cast(… as double))");
  }

  std::unique_ptr<const Accumulator> accumulator_;
  NodePtr argument_;  // Null where the aggregate has none.
  NodePtr filter_;    // Null where it has none.
};

/// Binds the expressions of one grouped step.
class GroupedBinder {
 public:
  GroupedBinder(const Scope& input, const Scope& groups,
                std::vector<std::pair<int, ExpressionFault>>& faults)
      : input_(input), groups_(groups), faults_(faults) {
    fields_ = groups.schema->fields();
  }

  ExpressionPtr Bind(const NumberedText& expression, bool condition) {
    std::vector<ExpressionFault> found;
    NodePtr root;
    text_ = expression.text;
    if (const AstPtr ast = Parse(expression.text, found)) {
      Binder binder(
          expression.text, groups_, found,
          [&](const Ast& call) { return BindAggregate(call, found); }, input_.schema.get());
      root = binder.Bind(*ast);
      if (root && condition) root = binder.Converted(std::move(root), TypeKind::kBool, *ast);
    }
    const bool good = root && found.empty();
    for (ExpressionFault& fault : found) faults_.emplace_back(expression.number, std::move(fault));
    return good ? MakeExpression(std::move(root), expression.text) : nullptr;
  }

  std::vector<AggregatePtr> TakeAggregates() { return std::move(aggregates_); }
  SchemaPtr After() { return std::make_shared<const Schema>(std::move(fields_)); }

 private:
  NodePtr Fault(const Ast& ast, std::vector<ExpressionFault>& found, std::string message,
                std::string cure = {}) {
    found.push_back({ast.offset, ast.length, std::move(message), std::move(cure)});
    return nullptr;
  }

  NodePtr BindAggregate(const Ast& call, std::vector<ExpressionFault>& found) {
    std::string_view name = ResolveName(call.name);
    if (call.distinct) {
      if (name == "count") {
        name = "count_distinct";
      } else if (name == "collect_list") {
        name = "collect_set";
      } else {
        return Fault(call, found, fmt::format("{} takes no 'distinct'", name),
                     "count_distinct(value) and collect_set(value) take each value once");
      }
    }
    const AggregateFunction& function = *FindAggregate(name);
    if (call.star && name != "count") {
      return Fault(call, found, fmt::format("{} takes no '*'", name), "only count(*) does");
    }
    Binder inner(text_, input_, found, [&](const Ast& nested) {
      return Fault(nested, found, "an aggregate may not stand inside another one",
                   "aggregate first in a step of its own");
    });
    std::vector<NodePtr> arguments;
    bool good = true;
    for (const AstPtr& child : call.children) {
      arguments.push_back(inner.Bind(*child));
      good &= arguments.back() != nullptr;
    }
    NodePtr filter;
    if (call.filter) {
      filter = inner.Converted(inner.Bind(*call.filter), TypeKind::kBool, *call.filter);
      good &= filter != nullptr;
    }
    if (!CheckCall(call, name, function.signature, found) || !good) return nullptr;
    NodePtr argument = arguments.empty() ? nullptr : std::move(arguments[0]);
    const Type type = argument ? argument->type : Type();
    std::unique_ptr<const Accumulator> accumulator = function.make(type);
    if (!accumulator) {
      return Fault(
          *call.children[0], found,
          fmt::format("{} wants {}, but {} is {}", name, function.wants,
                      Shorten(TextOf(*call.children[0])), type.ToString()),
          type.Is(TypeKind::kString) ? "a string never converts by itself: cast(… as double)" : "");
    }
    const auto [known, added] = by_form_.try_emplace(FormOf(call, name), aggregates_.size());
    if (added) {
      Type result = accumulator->type();
      fields_.push_back({fmt::format("${}", aggregates_.size()), std::move(result)});
      aggregates_.push_back(std::make_shared<BoundAggregate>(std::move(accumulator),
                                                             std::move(argument), std::move(filter),
                                                             std::string(TextOf(call))));
    }
    const AggregatePtr& aggregate = aggregates_[known->second];
    return MakeColumnNode(static_cast<int>(groups_.schema->size() + known->second),
                          aggregate->type(), Shorten(aggregate->text()));
  }

  std::string_view TextOf(const Ast& ast) const {
    return std::string_view(text_).substr(ast.offset, ast.length);
  }
  /// One text for all ways to write the call.
  static std::string FormOf(const Ast& call, std::string_view name) {
    std::string form(name);
    for (const AstPtr& child : call.children) form += Canonical(*child);
    if (call.filter) form += "|" + Canonical(*call.filter);
    return form;
  }

  const Scope& input_;
  const Scope& groups_;
  std::vector<std::pair<int, ExpressionFault>>& faults_;
  std::string text_;
  std::vector<AggregatePtr> aggregates_;
  std::vector<Field> fields_;
  std::map<std::string, size_t> by_form_;
};

bool CallsAggregate(const Ast& ast) {
  if (ast.kind == Ast::Kind::kCall && FindAggregate(ResolveName(ast.name)) != nullptr) return true;
  for (const AstPtr& child : ast.children) {
    if (CallsAggregate(*child)) return true;
  }
  return false;
}

}  // namespace

GroupedExpressions BindGrouped(const std::vector<NumberedText>& outputs, const NumberedText& having,
                               const Scope& input, const Scope& groups,
                               std::vector<std::pair<int, ExpressionFault>>& faults) {
  GroupedBinder binder(input, groups, faults);
  GroupedExpressions result;
  for (const NumberedText& output : outputs) result.outputs.push_back(binder.Bind(output, false));
  if (!having.text.empty()) result.having = binder.Bind(having, true);
  result.aggregates = binder.TakeAggregates();
  result.after = binder.After();
  return result;
}

bool HasAggregate(std::string_view text) {
  std::vector<ExpressionFault> faults;
  const AstPtr ast = Parse(text, faults);
  return ast && CallsAggregate(*ast);
}

}  // namespace weir
