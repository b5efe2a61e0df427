#include "daemon/worker/progress_json.h"

#include <nlohmann/json.hpp>

#include "batch/time_text.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

/// Adds how a task, or the tasks of a fragment, spend their time; nothing while it is not known.
template <typename Key>
void AddShares(const std::map<Key, JobRates::Task>& shares, const Key& key, Json& json) {
  const auto it = shares.find(key);
  if (it == shares.end()) return;
  json["busy"] = it->second.busy;
  json["waiting"] = it->second.waiting;
}

const NodePlan& NodeOf(const JobPlan& plan, int index) {
  return plan.nodes[static_cast<size_t>(index)];
}

Json CheckpointJson(const JobPlan& plan, const JobProgress& progress) {
  return {{"newest", progress.checkpoint},
          {"age_seconds", static_cast<double>(progress.checkpoint_age.us) / 1e6},
          {"interval_seconds", static_cast<double>(plan.checkpoint_interval.us) / 1e6},
          {"seconds", static_cast<double>(progress.checkpoint_duration.us) / 1e6},
          {"tasks_seconds", static_cast<double>(progress.checkpoint_tasks.us) / 1e6},
          {"manifest_seconds", static_cast<double>(progress.checkpoint_manifest.us) / 1e6},
          {"publish_seconds", static_cast<double>(progress.checkpoint_publish.us) / 1e6},
          {"completed", progress.checkpoints_completed},
          {"dropped", progress.checkpoints_dropped},
          {"unpublished_epochs", progress.unpublished_epochs}};
}

Json LedgerJson(const JobPlan& plan, const JobProgress& progress) {
  const JobSums sums = SumsOf(plan, progress.totals);
  return {{"rows_in", sums.rows_in},
          {"rows_out", sums.rows_out},
          {"late", sums.late},
          {"rejected", sums.rejected},
          {"unaccounted", progress.unaccounted_rows}};
}

/// As this process sees its connections: those of tasks elsewhere are told there.
Json LinkJson(const LinkStatus& link) {
  return {{"opened", link.connections_opened},
          {"throttled_seconds", static_cast<double>(link.throttled.us) / 1e6},
          {"leaderless_partitions", link.partitions_leaderless},
          {"under_replicated_partitions", link.partitions_under_replicated}};
}

Json NodesJson(const JobPlan& plan, const JobProgress& progress, const JobRates& rates) {
  const std::string holder = WatermarkHolder(plan, progress);
  Json nodes = Json::array();
  for (const NodePlan& node : plan.nodes) {
    Json one = {{"name", node.name},
                {"role", node.role == NodePlan::Role::kSource ? "source"
                         : node.role == NodePlan::Role::kSink ? "sink"
                                                              : "step"},
                {"fragment", plan.fragments[static_cast<size_t>(node.fragment)].name},
                {"inputs", Json::array()},
                {"dead_letters", node.is_dead_letter},
                {"holds_watermark", node.name == holder}};
    for (int input : node.inputs) one["inputs"].push_back(NodeOf(plan, input).name);
    Json counts = Json::object();
    for (auto it = progress.totals.lower_bound(node.name + ".");
         it != progress.totals.end() && it->first.starts_with(node.name + "."); ++it) {
      counts[it->first.substr(node.name.size() + 1)] = it->second;
    }
    one["counts"] = std::move(counts);
    const auto rate = rates.nodes.find(node.name);
    if (rate != rates.nodes.end()) {
      one["in_per_second"] = rate->second.in;
      one["out_per_second"] = rate->second.out;
    }
    const Linked* outside = node.Outside();
    if (const auto link = outside != nullptr ? outside->Link() : std::nullopt) {
      one["connections"] = LinkJson(*link);
    }
    nodes.push_back(std::move(one));
  }
  return nodes;
}

Json FragmentsJson(const JobPlan& plan, const JobRates& rates) {
  const std::map<std::string, JobRates::Task> shares = rates.OfFragments();
  const std::set<std::string> slowest = SlowestFragments(plan, rates);
  Json fragments = Json::array();
  for (const FragmentPlan& fragment : plan.fragments) {
    Json one = {{"name", fragment.name},
                {"tasks", fragment.parallelism},
                {"slowest", slowest.contains(fragment.name)}};
    AddShares(shares, fragment.name, one);
    fragments.push_back(std::move(one));
  }
  return fragments;
}

Json ExchangesJson(const JobPlan& plan) {
  Json exchanges = Json::array();
  for (const ExchangePlan& exchange : plan.exchanges) {
    exchanges.push_back({{"from", NodeOf(plan, exchange.from).name},
                         {"to", NodeOf(plan, exchange.to).name},
                         {"how", exchange.Describe()}});
  }
  return exchanges;
}

Json TasksJson(const JobProgress& progress, const JobRates& rates) {
  Json tasks = Json::array();
  for (const TaskProgress& task : progress.tasks) {
    Json one = {{"task", task.task.ToString()},
                {"fragment", task.task.fragment},
                {"index", task.task.index},
                {"rows_in", task.rows_in},
                {"busy_seconds", static_cast<double>(task.busy_us) / 1e6},
                {"watermark", TimeJson(task.watermark)}};
    if (task.is_source && task.lag_records >= 0) one["lag_records"] = task.lag_records;
    if (task.is_source && task.lag_us >= 0) {
      one["lag_seconds"] = static_cast<double>(task.lag_us) / 1e6;
    }
    if (!task.holder.empty()) one["watermark_holder"] = task.holder;
    AddShares(rates.tasks, task.task, one);
    tasks.push_back(std::move(one));
  }
  return tasks;
}

}  // namespace

Json TimeJson(EventTime time) {
  if (time == EventTime::Min()) return nullptr;
  if (time == EventTime::Max()) return "end";
  return FormatIso8601(time);
}

std::string ProgressJson(const JobPlan& plan, const JobProgress& progress, const JobRates& rates) {
  const Json json = {{"phase", progress.phase},
                     {"watermark", TimeJson(progress.watermark)},
                     {"watermark_holder", progress.watermark_holder},
                     {"held_by", progress.held_by},
                     {"checkpoint", CheckpointJson(plan, progress)},
                     {"ledger", LedgerJson(plan, progress)},
                     {"last_error", progress.last_error},
                     {"nodes", NodesJson(plan, progress, rates)},
                     {"exchanges", ExchangesJson(plan)},
                     {"fragments", FragmentsJson(plan, rates)},
                     {"tasks", TasksJson(progress, rates)}};
  // Names of files and what errors quote need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir
