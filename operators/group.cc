#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operators/column_reference.h"
#include "operators/filter.h"
#include "operators/partial_aggregate.h"
#include "operators/project.h"
#include "operators/session_window.h"
#include "operators/slice_window.h"
#include "operators/step_builder.h"
#include "operators/window_spec.h"

namespace weir {
namespace {

/// Plans `window`, `group_by`, `having` and the `select` over groups, which only together say what
/// the groups keep: the windows give group columns, bounds and aggregates; a filter and a
/// projection behind them make the rest.
class GroupPlanner {
 public:
  explicit GroupPlanner(StepBuilder& builder) : builder_(builder), input_(builder.schema()) {}

  void Plan() {
    const YamlNode* window = builder_.Find("window");
    const bool window_sound = window == nullptr || ReadWindow(*window);
    const bool groups_sound = ReadGroups();
    if (!groups_sound) return;
    BindAfter();
    if (!bound_ || !window_sound || !CheckTime()) return;
    AppendWindows();
    AppendAfter();
    builder_.ShowAll();
    builder_.SetEventTime(has_window_);
  }

 private:
  bool ReadWindow(const YamlNode& node) {
    has_window_ = true;
    if (!WindowSpec::Describe().Read(node, builder_.diagnostics(), window_)) return false;
    const int kinds =
        window_.tumbling.has_value() + window_.hopping.has_value() + window_.session.has_value();
    if (kinds != 1) {
      builder_.Fault(node, "a window is one of tumbling, hopping and session",
                     "write window: { tumbling: 10s }");
      return false;
    }
    if (window_.hopping && window_.hopping->every > window_.hopping->size) {
      builder_.Fault(*node.Find("hopping"),
                     fmt::format("windows of {} every {} leave rows out between them",
                                 ToText(window_.hopping->size), ToText(window_.hopping->every)),
                     "'every' is at most 'size'");
      return false;
    }
    if (window_.session && window_.offset.us != 0) {
      builder_.Fault(*node.Find("offset"), "sessions begin with their rows and have no 'offset'");
      return false;
    }
    return true;
  }

  bool ReadGroups() {
    const YamlNode* node = builder_.Find("group_by");
    std::vector<Field> fields;
    bool sound = true;
    if (node != nullptr) {
      const size_t errors_before = builder_.diagnostics().items().size();
      for (const NamedExpression& group : builder_.ReadNamed(*node, "group_by", *input_)) {
        ExpressionPtr expression;
        if (HasAggregate(group.text)) {
          builder_.Fault(group.node, "groups are made before aggregates, so none can stand here");
        } else if (const int known = group.alone ? input_->Find(group.name) : -1; known >= 0) {
          expression = std::make_shared<ColumnReference>(*input_, known);
        } else {
          expression = builder_.Bind(group.node, builder_.CurrentScope());
        }
        if (!expression) continue;
        fields.push_back({group.name, expression->type()});
        groups_.push_back(std::move(expression));
      }
      sound = builder_.diagnostics().items().size() == errors_before;
    }
    if (has_window_) {
      fields.push_back({"window_start", TypeKind::kTimestamp});
      fields.push_back({"window_end", TypeKind::kTimestamp});
    }
    after_groups_ = std::make_shared<const Schema>(std::move(fields));
    return sound;
  }

  void BindAfter() {
    const YamlNode* select = builder_.Find("select");
    const YamlNode* having = builder_.Find("having");
    const size_t errors_before = builder_.diagnostics().items().size();
    std::vector<NumberedText> texts;
    if (select != nullptr) {
      selected_ = builder_.ReadNamed(*select, "select", *after_groups_);
      if (selected_.empty()) builder_.Fault(*select, "'select' names no column");
    } else {
      for (const Field& field : after_groups_->fields()) {
        selected_.push_back({field.name, {}, ColumnText(field.name), {}, true});
      }
      if (selected_.empty()) {
        builder_.Fault(*builder_.Find("group_by"), "the groups have no columns to give",
                       "add a 'select' with aggregates");
      }
    }
    for (const NamedExpression& column : selected_) {
      texts.push_back({static_cast<int>(texts.size()), column.text});
    }
    NumberedText condition{static_cast<int>(texts.size()), {}};
    if (having != nullptr) {
      ExpressionText text;
      if (ReadValue(*having, builder_.diagnostics(), text)) condition.text = text.text;
    }
    const Scope input = builder_.CurrentScope();
    const Scope groups{after_groups_, builder_.input().step, {}};
    std::vector<std::pair<int, ExpressionFault>> faults;
    after_ = BindGrouped(texts, condition, input, groups, faults);
    for (auto& [number, fault] : faults) {
      const auto index = static_cast<size_t>(number);
      const bool in_having = index >= selected_.size() && having != nullptr;
      const std::string& text = in_having ? condition.text : selected_[index].text;
      if (fault.offset <= text.size())
        HintAtSelected(text.substr(fault.offset, fault.length), fault);
      builder_.Fault(fault, in_having ? *having : selected_[index].node);
    }
    bound_ = builder_.diagnostics().items().size() == errors_before;
    if (bound_ && after_.having && !after_.having->type().Is(TypeKind::kBool)) {
      builder_.Fault(*having, fmt::format("'having' is a condition, but this is {}",
                                          after_.having->type().ToString()));
      bound_ = false;
    }
  }

  /// Where what is not known is a name that the select gives.
  void HintAtSelected(const std::string& name, ExpressionFault& fault) const {
    for (const NamedExpression& column : selected_) {
      if (column.alone || column.name != name || column.text == name) continue;
      fault.cure =
          fmt::format("'{}' is a name that the select gives: write {} here too", name, column.text);
    }
  }

  bool CheckTime() {
    if (has_window_ && !builder_.has_event_time()) {
      builder_.Fault(*builder_.Find("window"),
                     fmt::format("a window goes by event time, and the rows of '{}' have none",
                                 builder_.input().owner),
                     "add event_time: { column: … } (or event_time: processing) to the source");
      return false;
    }
    for (const AggregatePtr& aggregate : after_.aggregates) {
      if (!aggregate->NeedsOrigins() || builder_.has_event_time()) continue;
      const YamlNode* select = builder_.Find("select");
      builder_.Fault(select != nullptr ? *select : *builder_.Find("group_by"),
                     fmt::format("'{}' goes by event time, and the rows of '{}' have none",
                                 aggregate->text(), builder_.input().owner),
                     "add event_time: { column: … } to the source");
      return false;
    }
    if (!has_window_ && !builder_.input().bounded) {
      builder_.Fault(*builder_.Find("group_by"),
                     "groups without a window have a result only when the input ends",
                     "add a 'window', or give the source an end (stop: latest)");
      return false;
    }
    return true;
  }

  /// What an aggregate keeps: all of its text, and the types of what it reads.
  std::string ShapeOf(const Aggregate& aggregate) const {
    std::vector<std::string> types;
    for (const int column : aggregate.columns()) {
      types.push_back((*input_)[static_cast<size_t>(column)].type.ToString());
    }
    return aggregate.text() + (types.empty() ? "" : fmt::format(" of {}", fmt::join(types, ", ")));
  }

  std::string WindowText() const {
    if (!has_window_) return "whole input";
    std::string text;
    if (window_.tumbling) text = "tumbling " + ToText(*window_.tumbling);
    if (window_.session) {
      text = "session, gap " + ToText(window_.session->gap);
      if (window_.session->max) text += ", max " + ToText(*window_.session->max);
    }
    if (window_.hopping) {
      text = fmt::format("hopping {} every {}", ToText(window_.hopping->size),
                         ToText(window_.hopping->every));
    }
    if (window_.offset.us != 0) text += ", offset " + ToText(window_.offset);
    return text;
  }

  void AppendWindows() {
    auto step = std::make_shared<GroupedStep>();
    step->step = builder_.input().step;
    step->groups = groups_;
    if (window_.tumbling) {
      step->windows.emplace(*window_.tumbling, *window_.tumbling, window_.offset);
    }
    if (window_.hopping) {
      step->windows.emplace(window_.hopping->size, window_.hopping->every, window_.offset);
    }
    if (window_.session) {
      step->gap = window_.session->gap;
      step->max = window_.session->max;
    }
    const auto kind = step->gap ? GroupLayout::Kind::kSession : GroupLayout::Kind::kSlice;
    step->layout = std::make_shared<const GroupLayout>(kind, after_.aggregates);
    step->output = after_.after;

    auto plan = std::make_shared<OperatorPlan>();
    plan->kind = "window";
    plan->output = step->output;
    plan->needs_exchange = true;
    plan->keys = groups_;
    plan->stateful = true;
    std::vector<std::string> names, types, aggregates, shapes;
    std::set<int> reads;
    bool needs_origins = false;
    for (size_t i = 0; i < groups_.size(); i++) {
      names.push_back((*after_groups_)[i].name);
      types.push_back(groups_[i]->type().ToString());
      reads.insert(groups_[i]->columns().begin(), groups_[i]->columns().end());
    }
    for (const AggregatePtr& aggregate : after_.aggregates) {
      aggregates.push_back(aggregate->text());
      shapes.push_back(ShapeOf(*aggregate));
      reads.insert(aggregate->columns().begin(), aggregate->columns().end());
      needs_origins |= aggregate->NeedsOrigins();
    }
    if (names.empty()) names.push_back("nothing");
    plan->detail = fmt::format("{}; by {}; {}", WindowText(), fmt::join(names, ", "),
                               fmt::join(aggregates, ", "));
    plan->state_shape = fmt::format("1: {} ({}) [{}]", WindowText(), fmt::join(types, ", "),
                                    fmt::join(shapes, "; "));
    const std::vector<int> sorted_reads(reads.begin(), reads.end());
    if (step->gap) {
      plan->reads = sorted_reads;
      plan->needs_times = true;
      plan->needs_origins = needs_origins;
      plan->make = [step](OperatorContext& context) {
        return std::make_unique<SessionWindow>(step, context);
      };
    } else {
      plan->partial = PlanPartial(*step, sorted_reads, needs_origins);
      for (size_t i = 0; i < step->partial->size(); i++) plan->reads.push_back(static_cast<int>(i));
      plan->make = [step](OperatorContext& context) {
        return std::make_unique<SliceWindow>(step, context);
      };
    }
    builder_.Append(std::move(plan));
  }

  std::shared_ptr<const OperatorPlan> PlanPartial(GroupedStep& step, const std::vector<int>& reads,
                                                  bool needs_origins) const {
    std::vector<Field> fields;
    for (size_t i = 0; i < groups_.size(); i++) {
      fields.push_back({(*after_groups_)[i].name, groups_[i]->type()});
    }
    fields.push_back({std::string(kSliceEndColumn), TypeKind::kTimestamp});
    fields.push_back({std::string(kStatesColumn), TypeKind::kBytes});
    fields.push_back({std::string(kWeightColumn), TypeKind::kInt64});
    step.partial = std::make_shared<const Schema>(std::move(fields));

    auto plan = std::make_shared<OperatorPlan>();
    plan->kind = "partial";
    plan->detail = "aggregates of rows on their way to the task that owns their key";
    plan->output = step.partial;
    for (size_t i = 0; i < groups_.size(); i++) {
      plan->keys.push_back(std::make_shared<ColumnReference>(*step.partial, static_cast<int>(i)));
    }
    plan->reads = reads;
    plan->needs_times = has_window_ || needs_origins;
    plan->needs_origins = needs_origins;
    plan->make = [shared = std::make_shared<const GroupedStep>(step)](OperatorContext& context) {
      return std::make_unique<PartialAggregate>(shared, context.clock);
    };
    return plan;
  }

  void AppendAfter() {
    if (after_.having) builder_.Append(Filter::Plan("having", after_.having, after_.after));
    std::vector<ProjectedColumn> columns;
    bool changes = selected_.size() != after_.after->size();
    for (size_t i = 0; i < selected_.size(); i++) {
      const int plain = PlainColumn(*after_.outputs[i], *after_.after);
      changes |= plain != static_cast<int>(i) || selected_[i].name != (*after_.after)[i].name;
      columns.push_back({selected_[i].name, plain, plain < 0 ? after_.outputs[i] : nullptr});
    }
    if (changes) builder_.Append(Project::Plan("select", std::move(columns), *after_.after));
  }

  StepBuilder& builder_;
  const SchemaPtr input_;
  bool has_window_ = false;
  WindowSpec window_;
  std::vector<ExpressionPtr> groups_;
  SchemaPtr after_groups_;  ///< Group columns, and the window's bounds.
  std::vector<NamedExpression> selected_;
  GroupedExpressions after_;
  bool bound_ = false;
};

}  // namespace

const SpecBase* WindowClauseSpec() { return &WindowSpec::Describe(); }

void PlanWindow(const YamlNode&, StepBuilder& builder) { GroupPlanner(builder).Plan(); }

void PlanGroupBy(const YamlNode&, StepBuilder& builder) {
  if (builder.Find("window") == nullptr) GroupPlanner(builder).Plan();
}

void PlanHaving(const YamlNode& value, StepBuilder& builder) {
  if (builder.Find("window") != nullptr || builder.Find("group_by") != nullptr) return;
  builder.Fault(value, "'having' chooses among groups, and the step makes none",
                "write 'where', or add 'group_by'");
}

}  // namespace weir
