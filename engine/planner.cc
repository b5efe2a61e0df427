#include "engine/planner.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/hex.h"
#include "engine/graph.h"
#include "engine/job_texts.h"
#include "state/files.h"

namespace weir {
namespace {

/// Columns that some step drops by name: they must be there to be dropped.
std::set<std::string> DroppedColumns(const JobSpec& job) {
  std::set<std::string> names;
  for (const StepSpec& step : job.steps) {
    const YamlNode* drop = step.node.Find("drop");
    if (!drop) continue;
    if (drop->kind() == YamlNode::Kind::kScalar) names.insert(drop->text());
    if (drop->kind() != YamlNode::Kind::kList) continue;
    for (const YamlNode& item : drop->items()) {
      if (item.kind() == YamlNode::Kind::kScalar) names.insert(item.text());
    }
  }
  return names;
}

std::string ColumnList(const Schema& schema) {
  std::string text;
  for (const Field& field : schema.fields()) {
    text += (text.empty() ? "" : ", ") + field.name + " " + field.type.ToString();
  }
  return text;
}

}  // namespace

std::optional<JobPlan> PlanJob(const JobSpec& job, const PlanContext& context,
                               Diagnostics& diagnostics) {
  JobTexts texts(job.text, context);
  std::optional<Graph> graph = BuildGraph(job, context, nullptr, texts, diagnostics);
  if (!graph || diagnostics.has_errors()) return std::nullopt;
  const Projection projection = RequiredColumns(*graph, DroppedColumns(job));
  Diagnostics of_projection;
  if (std::optional<Graph> narrow = BuildGraph(job, context, &projection, texts, of_projection)) {
    // Where nodes of different needs are united, their narrowed columns may no longer agree: then
    // all columns are decoded.
    graph = std::move(narrow);
  }
  CutIntoFragments(job, *graph);
  JobPlan plan = std::move(graph->plan);
  plan.name = job.name;
  plan.text = texts.Text();
  plan.checkpoint_interval = job.checkpoint.interval;
  plan.checkpoint_timeout = job.checkpoint.timeout;
  plan.retain = job.checkpoint.retain;
  if (job.restart.attempts) plan.restart_attempts = *job.restart.attempts;
  plan.restart_initial = job.restart.backoff.initial;
  plan.restart_max = job.restart.backoff.max;
  if (job.autoscale) {
    plan.autoscale =
        AutoscalePlan{job.autoscale->min, job.autoscale->max, job.autoscale->target_busy,
                      job.autoscale->window, job.autoscale->cooldown};
  }
  if (job.limits.rows_per_task) plan.rows_per_task = job.limits.rows_per_task->per_second;
  for (NodePlan& node : plan.nodes) {
    if (node.role != NodePlan::Role::kSource) continue;
    // Origins cost memory for each row: only where somebody breaks ties by them.
    node.needs_origins = std::any_of(plan.nodes.begin(), plan.nodes.end(),
                                     [](const NodePlan& n) { return n.op && n.op->needs_origins; });
  }
  return plan;
}

std::vector<LedgerNode> JobPlan::Ledger() const {
  std::vector<LedgerNode> ledger;
  for (const NodePlan& node : nodes) {
    LedgerNode entry;
    entry.name = node.name;
    for (int input : node.inputs) entry.inputs.push_back(nodes[static_cast<size_t>(input)].name);
    entry.is_source = node.role == NodePlan::Role::kSource;
    entry.is_sink = node.role == NodePlan::Role::kSink;
    entry.weighted_input = node.weighted_input;
    entry.takes_rejected = node.is_dead_letter;
    ledger.push_back(std::move(entry));
  }
  return ledger;
}

std::string JobPlan::Version() const { return Hex(files::Sha256(text)).substr(0, 12); }

std::string ExchangePlan::Describe() const {
  if (!keyed) return "as it comes";
  std::string text;
  for (const ExpressionPtr& key : keys) text += (text.empty() ? "by " : ", ") + key->text();
  return text.empty() ? "all to one task" : text;
}

std::string JobPlan::Explain() const {
  std::string out = fmt::format("job {}, version {}: {} fragment{}, {}\n", name, Version(),
                                fragments.size(), fragments.size() == 1 ? "" : "s",
                                bounded ? "ends by itself" : "runs until it is stopped");
  for (const FragmentPlan& fragment : fragments) {
    out += fmt::format("\nfragment {} × {}\n", fragment.name, fragment.parallelism);
    for (const ExchangePlan& exchange : exchanges) {
      if (nodes[static_cast<size_t>(exchange.to)].fragment !=
          nodes[static_cast<size_t>(fragment.nodes.front())].fragment) {
        continue;
      }
      out += fmt::format("  <= {} {}\n", nodes[static_cast<size_t>(exchange.from)].name,
                         exchange.Describe());
    }
    for (int index : fragment.nodes) {
      const NodePlan& node = nodes[static_cast<size_t>(index)];
      switch (node.role) {
        case NodePlan::Role::kSource: {
          out += fmt::format("  source {}: {}\n", node.name, node.source->Describe());
          out += fmt::format("    decodes {}\n", ColumnList(*node.output));
          if (node.event_time) {
            const int column = node.event_time->column;
            out += fmt::format(
                "    event time {}\n",
                column < 0 ? "processing" : (*node.output)[static_cast<size_t>(column)].name);
          }
          break;
        }
        case NodePlan::Role::kOperator:
          out += fmt::format("  {}: {}{}{}\n", node.name, node.op->kind,
                             node.op->detail.empty() ? "" : " " + node.op->detail,
                             node.op->stateful ? "  [keeps state]" : "");
          break;
        case NodePlan::Role::kSink:
          out += fmt::format("  sink {}: {}{}\n", node.user_name, node.sink->Describe(),
                             node.is_dead_letter ? "  [dead letters]" : "");
          break;
      }
    }
  }
  return out;
}

}  // namespace weir
