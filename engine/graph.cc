#include "engine/graph.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "config/errors.h"
#include "connectors/dead_letter.h"
#include "engine/errors.h"
#include "engine/union.h"
#include "operators/step.h"

namespace weir {
namespace {

/// A source or step as its readers see it.
struct Made {
  int node = -1;
  SchemaPtr visible;
  bool has_time = false;
  bool bounded = false;
  const SourcePlan* source = nullptr;
};

class GraphBuilder {
 public:
  GraphBuilder(const JobSpec& job, const PlanContext& context, const Projection* projection,
               LearnedTexts& learned, Diagnostics& diagnostics)
      : job_(job),
        context_(context),
        projection_(projection),
        learned_(learned),
        diagnostics_(diagnostics) {}

  std::optional<Graph> Build() {
    for (const SourceSpec& source : job_.sources) {
      source.sound ? AddSource(source) : CheckSource(source);
    }
    for (const StepSpec& step : job_.steps) {
      step.sound ? AddStep(step) : CheckStep(step);
    }
    for (const SinkSpec& sink : job_.sinks) {
      sink.sound ? AddSink(sink) : CheckSink(sink);
    }
    if (diagnostics_.has_errors()) return std::nullopt;
    graph_.plan.bounded = std::all_of(made_.begin(), made_.end(),
                                      [](const auto& entry) { return entry.second.bounded; });
    return std::move(graph_);
  }

 private:
  // A node with a fault is not planned: what follows from the fault would be told as faults of its
  // own. But the keys of what it holds can be looked at.

  void CheckSource(const SourceSpec& source) {
    const Connector* connector = FindConnector(source.connector);
    if (connector) CheckKeys(connector->source_options(), source.options);
  }
  void CheckStep(const StepSpec& step) {
    for (const YamlNode::Entry& entry : step.clauses) {
      for (const Clause& clause : AllClauses()) {
        if (clause.key == entry.key && clause.spec) CheckKeys(clause.spec(), entry.value);
      }
    }
  }
  void CheckSink(const SinkSpec& sink) {
    const Connector* connector = FindConnector(sink.connector);
    if (connector) CheckKeys(connector->sink_options(), sink.options);
  }
  void CheckKeys(const SpecBase* spec, const YamlNode& node) {
    if (spec) (void)spec->Check(node, diagnostics_);  // Its faults are told; nothing else follows.
  }

  int AddNode(NodePlan node) {
    graph_.plan.nodes.push_back(std::move(node));
    return static_cast<int>(graph_.plan.nodes.size()) - 1;
  }
  NodePlan& node(int index) { return graph_.plan.nodes[static_cast<size_t>(index)]; }

  NodeContext ContextOf(const NodeSpec& spec, const YamlNode& options, const YamlNode* format) {
    NodeContext context;
    context.name = spec.name;
    context.options = &options;
    context.format = format;
    context.folder = context_.folder;
    context.now = context_.now;
    context.learned = &learned_;
    context.connection = [this](const std::string& name, const std::vector<std::string_view>& kinds,
                                const Place& place) -> const ConnectionSpec* {
      const ConnectionSpec* connection = job_.FindConnection(name);
      if (connection) {
        if (std::find(kinds.begin(), kinds.end(), connection->kind) != kinds.end()) {
          return connection;
        }
        diagnostics_.Error(errors::kUnknownNode, place,
                           fmt::format("connection '{}' is of kind {}, and a {} one is needed",
                                       name, connection->kind, fmt::join(kinds, " or ")),
                           "", name.size());
        return nullptr;
      }
      std::vector<std::string> names;
      for (const ConnectionSpec& known : job_.connections) names.push_back(known.name);
      const std::string near = NearestName(name, names);
      diagnostics_.Error(errors::kUnknownNode, place,
                         fmt::format("there is no connection '{}'", name),
                         near.empty() ? "add it under 'connections', or name a file that has it "
                                        "with --config"
                                      : fmt::format("did you mean '{}'?", near),
                         name.size());
      return nullptr;
    };
    return context;
  }

  /// A connector that gave no plan has told why; a job must never run without the node.
  void MustHaveTold(const NodeSpec& spec, size_t faults_before) {
    if (diagnostics_.items().size() > faults_before) return;
    diagnostics_.Error(errors::kBadPlan, spec.place,
                       fmt::format("'{}' can't be planned", spec.name), "", spec.name.size());
  }

  // Sources.

  void AddSource(const SourceSpec& spec) {
    const size_t faults_before = diagnostics_.items().size();
    NodeContext context =
        ContextOf(spec, spec.options, spec.format_node ? &*spec.format_node : nullptr);
    for (const ColumnSpec& column : spec.columns) {
      Result<Type> type = Type::Parse(column.type.text);
      if (!type.ok()) {
        diagnostics_.Error(type.status().code(), column.type.node.place(), type.status().message(),
                           type.status().cure(), column.type.text.size());
        continue;
      }
      context.columns.push_back(
          {column.name, *type, column.from, column.unit, column.format, column.zone});
    }
    if (diagnostics_.items().size() > faults_before) return;
    const Connector* connector = FindConnector(spec.connector);
    WEIR_CHECK(connector != nullptr);
    std::shared_ptr<const SourcePlan> source = connector->PlanSource(context, diagnostics_);
    if (!source) return MustHaveTold(spec, faults_before);

    NodePlan plan;
    plan.role = NodePlan::Role::kSource;
    plan.name = plan.user_name = spec.name;
    plan.source = source;
    plan.connector = spec.connector;
    const Schema& columns = *source->columns();
    int time_column = -1;
    if (spec.event_time) {
      plan.event_time = BindEventTime(spec, columns, time_column);
      if (!plan.event_time) return;
    }
    std::set<int> wanted;
    if (projection_) {
      for (const auto& [edge, required] : *projection_) {
        if (edge.first == spec.name) wanted.insert(required.begin(), required.end());
      }
      if (time_column >= 0) wanted.insert(time_column);
      if (wanted.empty()) wanted.insert(0);
    } else {
      for (size_t i = 0; i < columns.size(); i++) wanted.insert(static_cast<int>(i));
    }
    plan.wanted.assign(wanted.begin(), wanted.end());
    std::vector<Field> fields;
    for (int column : plan.wanted) fields.push_back(columns[static_cast<size_t>(column)]);
    plan.output = std::make_shared<const Schema>(std::move(fields));
    if (time_column >= 0) {
      plan.event_time->column =
          static_cast<int>(std::lower_bound(plan.wanted.begin(), plan.wanted.end(), time_column) -
                           plan.wanted.begin());
    }
    const int index = AddNode(std::move(plan));
    graph_.parallelism[index] = spec.parallelism.value_or(0);
    SetErrorPolicy(spec, index);
    std::vector<Field> visible(
        columns.fields().begin(),
        columns.fields().begin() + static_cast<std::ptrdiff_t>(source->visible()));
    made_[spec.name] = {index, std::make_shared<const Schema>(std::move(visible)),
                        spec.event_time.has_value(), source->bounded(), source.get()};
  }

  std::optional<EventTimeBinding> BindEventTime(const SourceSpec& spec, const Schema& columns,
                                                int& column) {
    const EventTimeSpec& time = *spec.event_time;
    EventTimeBinding binding;
    binding.policy = {time.watermark_delay, time.idle_after, time.max_drift};
    binding.max_ahead = time.max_ahead.value_or(Duration::Max());
    if (time.processing) return binding;
    column = columns.Find(time.column.text);
    if (column < 0) {
      std::vector<std::string> names;
      for (const Field& field : columns.fields()) names.push_back(field.name);
      const std::string near = NearestName(time.column.text, names);
      diagnostics_.Error(errors::kEventTime, time.column.node.place(),
                         fmt::format("no column '{}' in '{}' for its event time; it has {}",
                                     time.column.text, spec.name, fmt::join(names, ", ")),
                         near.empty() ? "" : fmt::format("did you mean '{}'?", near),
                         time.column.text.size());
      return std::nullopt;
    }
    const Type& type = columns[static_cast<size_t>(column)].type;
    if (!type.Is(TypeKind::kTimestamp) && !type.Is(TypeKind::kInt64)) {
      diagnostics_.Error(errors::kEventTime, time.column.node.place(),
                         fmt::format("the event time of '{}' is a timestamp or an int64 in epoch "
                                     "ms, and '{}' is {}",
                                     spec.name, time.column.text, type.ToString()),
                         "declare the column as timestamp", time.column.text.size());
      return std::nullopt;
    }
    if (type.Is(TypeKind::kInt64)) {
      binding.unit_us = time.unit == "s" ? 1'000'000 : time.unit == "us" ? 1 : 1000;
    }
    binding.column = column;
    return binding;
  }

  // Edges.

  /// What a reader of `from` may name: visible columns, and of a source its hidden ones.
  struct Edge {
    const Made* from = nullptr;
    SchemaPtr visible;
    std::vector<int> visible_columns;  ///< Of a source: indices into its columns().
    std::vector<Field> hidden;
    std::vector<int> hidden_columns;
  };

  Edge EdgeOf(const std::string& from_name, const std::string& reader) {
    Edge edge;
    edge.from = &made_.at(from_name);
    edge.visible = edge.from->visible;
    if (!edge.from->source) return edge;
    const Schema& columns = *edge.from->source->columns();
    const std::set<int>* required = nullptr;
    if (projection_) {
      const auto it = projection_->find({from_name, reader});
      if (it != projection_->end()) required = &it->second;
    }
    std::vector<Field> visible;
    for (size_t i = 0; i < columns.size(); i++) {
      const int column = static_cast<int>(i);
      if (required && !required->contains(column)) continue;
      if (i < edge.from->source->visible()) {
        visible.push_back(columns[i]);
        edge.visible_columns.push_back(column);
      } else {
        edge.hidden.push_back(columns[i]);
        edge.hidden_columns.push_back(column);
      }
    }
    edge.visible = std::make_shared<const Schema>(std::move(visible));
    return edge;
  }

  /// The node that gives an edge's columns: the source itself, or a pick of its columns.
  int NodeOf(const Edge& edge, const std::string& from_name, const std::string& reader,
             const std::vector<int>& hidden) {
    if (!edge.from->source) return edge.from->node;
    const NodePlan& source = node(edge.from->node);
    std::vector<int> wanted = edge.visible_columns;
    for (int index : hidden) wanted.push_back(edge.hidden_columns[static_cast<size_t>(index)]);
    if (projection_ && wanted == source.wanted) return edge.from->node;
    std::vector<int> places;
    for (int column : wanted) {
      places.push_back(
          static_cast<int>(std::lower_bound(source.wanted.begin(), source.wanted.end(), column) -
                           source.wanted.begin()));
    }
    NodePlan pick;
    pick.name = reader + "/columns of " + from_name;
    pick.user_name = reader;
    pick.inputs = {edge.from->node};
    pick.op = PlanPick(source.output, places);
    pick.output = pick.op->output;
    const int index = AddNode(std::move(pick));
    graph_.picks[{from_name, reader}] = index;
    return index;
  }

  void AddExchange(int from, int to, bool keyed, std::vector<ExpressionPtr> keys) {
    ExchangePlan exchange;
    exchange.from = from;
    exchange.to = to;
    exchange.keyed = keyed;
    exchange.keys = std::move(keys);
    exchange.name = node(from).name + " -> " + node(to).name;
    graph_.plan.exchanges.push_back(std::move(exchange));
  }

  /// All that `from` names, checked to have one schema; empty after a fault (told here, or before).
  std::vector<Edge> EdgesOf(const std::vector<NodeReference>& from, const std::string& reader) {
    std::vector<Edge> edges;
    for (const NodeReference& reference : from) {
      if (!made_.contains(reference.name)) return {};  // Its own fault was told.
      edges.push_back(EdgeOf(reference.name, reader));
      if (*edges.back().visible != *edges.front().visible) {
        diagnostics_.Error(
            errors::kBadPlan, reference.place,
            fmt::format("'{}' can't read '{}' and '{}' together: their columns "
                        "differ ({}; {})",
                        reader, from.front().name, reference.name,
                        edges.front().visible->ToString(), edges.back().visible->ToString()),
            "give both the same columns in the same order with a 'select'", reference.name.size());
        return {};
      }
    }
    return edges;
  }

  /// One node that gives the rows of all edges.
  int Unite(const std::vector<int>& inputs, const std::string& reader, uint32_t parallelism) {
    if (inputs.size() == 1 && parallelism == 0) return inputs.front();
    NodePlan plan;
    plan.name = reader + "/from";
    plan.user_name = reader;
    plan.op = PlanUnion(node(inputs.front()).output);
    plan.output = plan.op->output;
    plan.inputs = inputs;
    const int index = AddNode(std::move(plan));
    graph_.parallelism[index] = parallelism;
    for (int input : inputs) AddExchange(input, index, /*keyed=*/false, {});
    return index;
  }

  // Steps.

  void AddStep(const StepSpec& spec) {
    const std::vector<Edge> edges = EdgesOf(spec.from, spec.name);
    if (edges.empty()) return;
    StepInput input;
    input.step = spec.name;
    for (const NodeReference& from : spec.from) {
      input.owner += (input.owner.empty() ? "" : ", ") + from.name;
    }
    input.schema = edges.front().visible;
    if (edges.size() == 1) input.hidden = edges.front().hidden;
    input.has_event_time = std::all_of(edges.begin(), edges.end(),
                                       [](const Edge& edge) { return edge.from->has_time; });
    input.bounded = std::all_of(edges.begin(), edges.end(),
                                [](const Edge& edge) { return edge.from->bounded; });
    std::optional<StepPlan> step = PlanStep(spec.node, input, diagnostics_);
    if (!step) return;

    std::vector<int> current;
    for (size_t i = 0; i < edges.size(); i++) {
      current.push_back(NodeOf(edges[i], spec.from[i].name, spec.name, step->hidden));
    }
    const uint32_t parallelism = spec.parallelism.value_or(0);
    const bool exchange_first = !step->operators.empty() && step->operators.front()->needs_exchange;
    if (!exchange_first)
      current = {Unite(current, spec.name, ParallelismOfStep(*step, parallelism))};
    std::map<std::string, int> kinds;
    for (const OperatorPlanPtr& op : step->operators) kinds[op->kind]++;
    std::map<std::string, int> seen;
    for (const OperatorPlanPtr& op : step->operators) {
      std::string name = spec.name;
      if (step->operators.size() > 1) name += "/" + op->kind;
      if (kinds[op->kind] > 1) name += std::to_string(++seen[op->kind]);
      current = {AddOperator(spec, name, op, current, parallelism)};
    }
    made_[spec.name] = {current.front(), step->output, step->has_event_time, input.bounded,
                        nullptr};
  }

  /// A step's own parallelism holds where its key changes; without an exchange it needs one.
  static uint32_t ParallelismOfStep(const StepPlan& step, uint32_t parallelism) {
    const bool has_exchange =
        std::any_of(step.operators.begin(), step.operators.end(),
                    [](const OperatorPlanPtr& op) { return op->needs_exchange; });
    return has_exchange ? 0 : parallelism;
  }

  int AddOperator(const StepSpec& spec, const std::string& name, const OperatorPlanPtr& op,
                  const std::vector<int>& inputs, uint32_t parallelism) {
    std::vector<int> from = inputs;
    if (op->needs_exchange && op->partial) {
      for (size_t i = 0; i < from.size(); i++) {
        NodePlan partial;
        partial.name = name + "/partial" + (from.size() > 1 ? std::to_string(i + 1) : "");
        partial.user_name = spec.name;
        partial.op = op->partial;
        partial.output = op->partial->output;
        partial.inputs = {from[i]};
        from[i] = AddNode(std::move(partial));
        SetErrorPolicy(spec, from[i]);
      }
    }
    NodePlan plan;
    plan.name = name;
    plan.user_name = spec.name;
    plan.op = op;
    plan.output = op->output;
    plan.inputs = from;
    plan.weighted_input = op->partial != nullptr;
    const int index = AddNode(std::move(plan));
    SetErrorPolicy(spec, index);
    if (!op->needs_exchange) return index;
    const std::vector<ExpressionPtr>& keys = op->partial ? op->partial->keys : op->keys;
    graph_.parallelism[index] = keys.empty() ? 1 : parallelism;
    for (int input : from) AddExchange(input, index, /*keyed=*/true, keys);
    return index;
  }

  // Sinks and dead letters.

  void AddSink(const SinkSpec& spec) {
    const std::vector<Edge> edges = EdgesOf(spec.from, spec.name);
    if (edges.empty()) return;
    std::vector<int> inputs;
    for (size_t i = 0; i < edges.size(); i++) {
      inputs.push_back(NodeOf(edges[i], spec.from[i].name, spec.name, {}));
    }
    NodePlan plan;
    plan.role = NodePlan::Role::kSink;
    plan.name = plan.user_name = spec.name;
    plan.connector = spec.connector;
    plan.output = edges.front().visible;
    plan.visible = plan.output->size();
    NodeContext context =
        ContextOf(spec, spec.options, spec.format_node ? &*spec.format_node : nullptr);
    std::vector<Field> fields = plan.output->fields();
    const size_t faults_before = diagnostics_.items().size();
    const auto compute = [&](const std::string& option, const YamlNode& text) {
      Scope scope{plan.output, spec.from.front().name, {}};
      std::vector<ExpressionFault> faults;
      ExpressionPtr expression = BindExpression(text.text(), scope, faults);
      for (const ExpressionFault& fault : faults) {
        diagnostics_.Error(errors::kBadPlan, text.PlaceAt(fault.offset), fault.message, fault.cure,
                           fault.length);
      }
      if (!expression) return;
      context.computed[option] = static_cast<int>(fields.size());
      fields.push_back({fmt::format("${}", fields.size()), expression->type()});
      plan.computed.push_back(std::move(expression));
    };
    for (const YamlNode::Entry& option : spec.expressions) {
      if (option.value.kind() == YamlNode::Kind::kMap) {
        for (const YamlNode::Entry& entry : option.value.entries()) {
          compute(option.key + "." + entry.key, entry.value);
        }
      } else {
        compute(option.key, option.value);
      }
    }
    if (diagnostics_.items().size() > faults_before) return;
    context.input = plan.output;
    context.computed_schema = std::make_shared<const Schema>(std::move(fields));
    plan.sink = FindConnector(spec.connector)->PlanSink(context, diagnostics_);
    if (!plan.sink) return MustHaveTold(spec, faults_before);
    plan.inputs = {Unite(inputs, spec.name, spec.parallelism.value_or(0))};
    SetErrorPolicy(spec, AddNode(std::move(plan)));
  }

  void SetErrorPolicy(const NodeSpec& spec, int index) {
    ErrorPolicy& policy = node(index).on_error;
    policy.max_rejected = spec.on_error.max_rejected;
    switch (spec.on_error.action) {
      case OnErrorSpec::Action::kFail:
        return;
      case OnErrorSpec::Action::kSkip:
        policy.action = ErrorPolicy::Action::kSkip;
        return;
      case OnErrorSpec::Action::kDeadLetter:
        break;
    }
    policy.action = ErrorPolicy::Action::kDeadLetter;
    const bool of_job = spec.on_error.place.line == job_.on_error.place.line &&
                        spec.on_error.place.column == job_.on_error.place.column;
    const std::string name = of_job ? "dead_letter" : spec.name + "_dead_letter";
    auto& sink = dead_letter_sinks_[name];
    if (!sink) {
      NodeSpec letters;
      letters.name = name;
      NodeContext context = ContextOf(letters, spec.on_error.options, nullptr);
      context.input = DeadLetterSchema();
      context.computed_schema = context.input;
      const size_t faults_before = diagnostics_.items().size();
      sink = FindConnector(spec.on_error.connector)->PlanSink(context, diagnostics_);
      if (!sink) MustHaveTold(spec, faults_before);
    }
    graph_.dead_letters.push_back({index, name, sink, spec.on_error.connector});
  }

  const JobSpec& job_;
  const PlanContext& context_;
  const Projection* projection_;
  LearnedTexts& learned_;
  Diagnostics& diagnostics_;
  Graph graph_;
  std::map<std::string, Made> made_;
  std::map<std::string, std::shared_ptr<const SinkPlan>> dead_letter_sinks_;
};

}  // namespace

std::optional<Graph> BuildGraph(const JobSpec& job, const PlanContext& context,
                                const Projection* projection, LearnedTexts& learned,
                                Diagnostics& diagnostics) {
  return GraphBuilder(job, context, projection, learned, diagnostics).Build();
}

Projection RequiredColumns(const Graph& graph, const std::set<std::string>& always) {
  const std::vector<NodePlan>& nodes = graph.plan.nodes;
  std::vector<std::set<int>> required(nodes.size());
  for (const ExchangePlan& exchange : graph.plan.exchanges) {
    for (const ExpressionPtr& key : exchange.keys) {
      required[static_cast<size_t>(exchange.from)].insert(key->columns().begin(),
                                                          key->columns().end());
    }
  }
  // Nodes come after their inputs, so one pass from the end sees each node's readers first.
  for (size_t i = nodes.size(); i-- > 0;) {
    const NodePlan& node = nodes[i];
    for (int input : node.inputs) {
      std::set<int>& needed = required[static_cast<size_t>(input)];
      const size_t width = nodes[static_cast<size_t>(input)].output->size();
      if (node.role == NodePlan::Role::kSink ||
          node.on_error.action == ErrorPolicy::Action::kDeadLetter) {
        for (size_t column = 0; column < width; column++) needed.insert(static_cast<int>(column));
        continue;
      }
      needed.insert(node.op->reads.begin(), node.op->reads.end());
      for (int column : required[i]) {
        if (node.op->passes.empty()) continue;
        const int passed = node.op->passes[static_cast<size_t>(column)];
        if (passed >= 0) needed.insert(passed);
      }
    }
  }
  Projection projection;
  for (const auto& [edge, pick] : graph.picks) {
    const NodePlan& node = nodes[static_cast<size_t>(pick)];
    const NodePlan& source = nodes[static_cast<size_t>(node.inputs.front())];
    std::set<int>& columns = projection[edge];
    for (size_t i = 0; i < node.output->size(); i++) {
      if (required[static_cast<size_t>(pick)].contains(static_cast<int>(i)) ||
          always.contains((*node.output)[i].name)) {
        columns.insert(source.wanted[static_cast<size_t>(node.op->passes[i])]);
      }
    }
    // Rows without columns can't be told apart from no rows: one column is always read.
    if (columns.empty()) columns.insert(0);
  }
  return projection;
}

void CutIntoFragments(const JobSpec& job, Graph& graph) {
  std::vector<NodePlan>& nodes = graph.plan.nodes;
  std::vector<FragmentPlan>& fragments = graph.plan.fragments;
  const auto is_exchanged = [&](int from, int to) {
    return std::any_of(graph.plan.exchanges.begin(), graph.plan.exchanges.end(),
                       [&](const ExchangePlan& e) { return e.from == from && e.to == to; });
  };
  std::set<std::string> names;
  for (size_t i = 0; i < nodes.size(); i++) {
    const int index = static_cast<int>(i);
    NodePlan& node = nodes[i];
    if (!node.inputs.empty() && !is_exchanged(node.inputs.front(), index)) {
      node.fragment = nodes[static_cast<size_t>(node.inputs.front())].fragment;
      fragments[static_cast<size_t>(node.fragment)].nodes.push_back(index);
      continue;
    }
    FragmentPlan fragment;
    fragment.name = names.insert(node.user_name).second ? node.user_name : node.name;
    names.insert(fragment.name);
    const uint32_t asked = graph.parallelism[index];
    fragment.parallelism = asked > 0 ? asked : job.parallelism;
    fragment.has_source = node.role == NodePlan::Role::kSource;
    if (fragment.has_source && node.source->MostTasks() > 0) {
      fragment.parallelism = std::min(fragment.parallelism, node.source->MostTasks());
    }
    fragment.nodes = {index};
    node.fragment = static_cast<int>(fragments.size());
    fragments.push_back(std::move(fragment));
  }
  for (const Graph::DeadLetter& letter : graph.dead_letters) {
    const int fragment = nodes[static_cast<size_t>(letter.node)].fragment;
    const std::string name = letter.name + "@" + fragments[static_cast<size_t>(fragment)].name;
    auto found = std::find_if(nodes.begin(), nodes.end(),
                              [&](const NodePlan& node) { return node.name == name; });
    if (found == nodes.end()) {
      NodePlan sink;
      sink.role = NodePlan::Role::kSink;
      sink.name = name;
      sink.user_name = letter.name;
      sink.connector = letter.connector;
      sink.sink = letter.sink;
      sink.output = DeadLetterSchema();
      sink.visible = sink.output->size();
      sink.is_dead_letter = true;
      sink.fragment = fragment;
      fragments[static_cast<size_t>(fragment)].nodes.push_back(static_cast<int>(nodes.size()));
      nodes.push_back(std::move(sink));
      found = nodes.end() - 1;
    }
    found->inputs.push_back(letter.node);
    nodes[static_cast<size_t>(letter.node)].on_error.dead_letter =
        static_cast<int>(found - nodes.begin());
  }
}

}  // namespace weir
