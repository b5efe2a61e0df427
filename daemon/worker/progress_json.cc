#include "daemon/worker/progress_json.h"

#include <nlohmann/json.hpp>

#include "batch/time_text.h"

namespace weir {
namespace {

nlohmann::ordered_json TimeJson(EventTime time) {
  if (time == EventTime::Min()) return nullptr;
  if (time == EventTime::Max()) return "end";
  return FormatIso8601(time);
}

}  // namespace

std::string ProgressJson(const JobPlan& plan, const JobProgress& progress) {
  nlohmann::ordered_json json;
  json["phase"] = progress.phase;
  json["watermark"] = TimeJson(progress.watermark);
  json["watermark_holder"] = progress.watermark_holder;
  json["held_by"] = progress.held_by;
  json["checkpoint"] = {{"newest", progress.checkpoint},
                        {"age_seconds", static_cast<double>(progress.checkpoint_age.us) / 1e6},
                        {"seconds", static_cast<double>(progress.checkpoint_duration.us) / 1e6},
                        {"completed", progress.checkpoints_completed},
                        {"dropped", progress.checkpoints_dropped},
                        {"unpublished_epochs", progress.unpublished_epochs}};
  json["unaccounted_rows"] = progress.unaccounted_rows;
  json["last_error"] = progress.last_error;
  json["nodes"] = nlohmann::ordered_json::array();
  for (const NodePlan& node : plan.nodes) {
    nlohmann::ordered_json one;
    one["name"] = node.name;
    one["role"] = node.role == NodePlan::Role::kSource ? "source"
                  : node.role == NodePlan::Role::kSink ? "sink"
                                                       : "step";
    one["fragment"] = plan.fragments[static_cast<size_t>(node.fragment)].name;
    one["inputs"] = nlohmann::ordered_json::array();
    for (int input : node.inputs) {
      one["inputs"].push_back(plan.nodes[static_cast<size_t>(input)].name);
    }
    nlohmann::ordered_json counts = nlohmann::ordered_json::object();
    for (auto it = progress.totals.lower_bound(node.name + ".");
         it != progress.totals.end() && it->first.starts_with(node.name + "."); ++it) {
      counts[it->first.substr(node.name.size() + 1)] = it->second;
    }
    one["counts"] = std::move(counts);
    json["nodes"].push_back(std::move(one));
  }
  json["tasks"] = nlohmann::ordered_json::array();
  for (const TaskProgress& task : progress.tasks) {
    nlohmann::ordered_json one = {{"task", task.task.ToString()},
                                  {"rows_in", task.rows_in},
                                  {"busy_seconds", static_cast<double>(task.busy_us) / 1e6},
                                  {"watermark", TimeJson(task.watermark)}};
    if (task.is_source && task.lag_records >= 0) one["lag_records"] = task.lag_records;
    json["tasks"].push_back(std::move(one));
  }
  // Names of files and what errors quote need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weir
