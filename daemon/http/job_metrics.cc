#include "daemon/http/metrics.h"

namespace weir {
namespace {

std::vector<Sample> One(double value) { return {{{}, value}}; }
double InSeconds(int64_t us) { return static_cast<double>(us) / 1e6; }

std::vector<Sample> Behind(EventTime time, EventTime now) {
  if (time == EventTime::Min() || time == EventTime::Max()) return {};
  return One(InSeconds(now.us - time.us));
}

/// A count of every node, from the newest checkpoint.
std::vector<Sample> OfNodes(const JobPlan& plan, const JobProgress& progress, const char* count) {
  std::vector<Sample> samples;
  for (const NodePlan& node : plan.nodes) {
    const auto it = progress.totals.find(node.name + "." + count);
    samples.push_back(
        {{node.name}, it == progress.totals.end() ? 0.0 : static_cast<double>(it->second)});
  }
  return samples;
}

}  // namespace

std::span<const JobMetric> JobMetrics() {
  static const std::vector<JobMetric> metrics = {
      {"weir_up",
       "1 while the job's tasks run.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(p.phase == "running" ? 1 : 0);
       }},
      {"weir_rows_read_total",
       "Records that this process has read from the sources.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.rows_read));
       }},
      {"weir_lag_records",
       "Records between what was read and the end of the sources, where known.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return p.lag_records < 0 ? std::vector<Sample>{} : One(static_cast<double>(p.lag_records));
       }},
      {"weir_lag_seconds",
       "Age of the newest record read where others wait behind it, of the slowest partition; 0 "
       "where none wait.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return p.lag_us < 0 ? std::vector<Sample>{} : One(InSeconds(p.lag_us));
       }},
      {"weir_event_time_lag_seconds",
       "How far the newest event time that was read is behind the clock.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime now) { return Behind(p.newest, now); }},
      {"weir_watermark_lag_seconds",
       "How far the watermark is behind the clock.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime now) {
         return Behind(p.watermark, now);
       }},
      {"weir_watermark_seconds",
       "Event time up to which the sources are complete, since 1970.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         if (p.watermark == EventTime::Min() || p.watermark == EventTime::Max()) {
           return std::vector<Sample>{};
         }
         return One(InSeconds(p.watermark.us));
       }},
      {"weir_checkpoint_number",
       "Newest committed checkpoint.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.checkpoint));
       }},
      {"weir_checkpoint_age_seconds",
       "Time since the newest checkpoint was committed.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(InSeconds(p.checkpoint_age.us));
       }},
      {"weir_checkpoint_duration_seconds",
       "From the trigger to the commit of the newest checkpoint.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(InSeconds(p.checkpoint_duration.us));
       }},
      {"weir_checkpoint_phase_seconds",
       "Parts of the newest checkpoint: tasks (trigger to last answer), manifest, publish.",
       false,
       {"phase"},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return std::vector<Sample>{{{"tasks"}, InSeconds(p.checkpoint_tasks.us)},
                                    {{"manifest"}, InSeconds(p.checkpoint_manifest.us)},
                                    {{"publish"}, InSeconds(p.checkpoint_publish.us)}};
       }},
      {"weir_checkpoints_total",
       "Checkpoints committed by this process.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.checkpoints_completed));
       }},
      {"weir_checkpoints_dropped_total",
       "Checkpoints that were begun and did not come about.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.checkpoints_dropped));
       }},
      {"weir_checkpoint_hold_seconds",
       "Longest time that a barrier has held a task up.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(InSeconds(p.longest_hold_us));
       }},
      {"weir_unpublished_epochs",
       "Checkpoints whose results are not published yet.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.unpublished_epochs));
       }},
      {"weir_restarts_total",
       "Times the job has started anew from its last checkpoint.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.restarts));
       }},
      {"weir_unaccounted_rows",
       "Rows that the ledger misses or has too many; always 0.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         return One(static_cast<double>(p.unaccounted_rows));
       }},
      {"weir_node_rows_in_total",
       "Rows into a node up to the newest checkpoint.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p, EventTime) { return OfNodes(plan, p, "in"); }},
      {"weir_node_rows_out_total",
       "Rows out of a node up to the newest checkpoint.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p, EventTime) {
         return OfNodes(plan, p, "out");
       }},
      {"weir_node_rows_late_total",
       "Rows that came after their windows had closed.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p, EventTime) {
         return OfNodes(plan, p, "late");
       }},
      {"weir_node_rows_rejected_total",
       "Rows and records that a node could not take.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p, EventTime) {
         return OfNodes(plan, p, "rejected");
       }},
      {"weir_node_rows_held",
       "Rows that a node's state stands for.",
       false,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p, EventTime) {
         return OfNodes(plan, p, "held");
       }},
      {"weir_task_rows_total",
       "Rows into a task.",
       true,
       {"task"},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         std::vector<Sample> samples;
         for (const auto& task : p.tasks) {
           samples.push_back({{task.task.ToString()}, static_cast<double>(task.rows_in)});
         }
         return samples;
       }},
      {"weir_task_seconds_total",
       "Time of a task: at work (busy), waiting for room downstream (backpressured), or idle.",
       true,
       {"task", "state"},
       [](const JobPlan&, const JobProgress& p, EventTime) {
         std::vector<Sample> samples;
         for (const TaskProgress& task : p.tasks) {
           const std::string name = task.task.ToString();
           samples.push_back({{name, "busy"}, InSeconds(task.busy_us)});
           samples.push_back({{name, "backpressured"}, InSeconds(task.blocked_us)});
           samples.push_back({{name, "idle"}, InSeconds(task.idle_us)});
         }
         return samples;
       }},
  };
  return metrics;
}

}  // namespace weir
