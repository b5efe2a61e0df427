#include "daemon/http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace weir {
namespace {

std::vector<Sample> One(double value) { return {{{}, value}}; }

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

std::span<const Metric> AllMetrics() {
  static const std::vector<Metric> metrics = {
      {"weir_up",
       "1 while the job's tasks run.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) { return One(p.phase == "running" ? 1 : 0); }},
      {"weir_rows_read_total",
       "Records that this process has read from the sources.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p) { return One(static_cast<double>(p.rows_read)); }},
      {"weir_lag_records",
       "Records between what was read and the end of the sources, where known.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return p.lag_records < 0 ? std::vector<Sample>{} : One(static_cast<double>(p.lag_records));
       }},
      {"weir_watermark_seconds",
       "Event time up to which the sources are complete, since 1970.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         if (p.watermark == EventTime::Min() || p.watermark == EventTime::Max()) {
           return std::vector<Sample>{};
         }
         return One(static_cast<double>(p.watermark.us) / 1e6);
       }},
      {"weir_checkpoint_number",
       "Newest committed checkpoint.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) { return One(static_cast<double>(p.checkpoint)); }},
      {"weir_checkpoint_age_seconds",
       "Time since the newest checkpoint was committed.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.checkpoint_age.us) / 1e6);
       }},
      {"weir_checkpoint_duration_seconds",
       "From the trigger to the commit of the newest checkpoint.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.checkpoint_duration.us) / 1e6);
       }},
      {"weir_checkpoints_total",
       "Checkpoints committed by this process.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.checkpoints_completed));
       }},
      {"weir_checkpoints_dropped_total",
       "Checkpoints that were begun and did not come about.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.checkpoints_dropped));
       }},
      {"weir_checkpoint_hold_seconds",
       "Longest time that a barrier has held a task up.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.longest_hold_us) / 1e6);
       }},
      {"weir_unpublished_epochs",
       "Checkpoints whose results are not published yet.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.unpublished_epochs));
       }},
      {"weir_restarts_total",
       "Times the job has started anew from its last checkpoint.",
       true,
       {},
       [](const JobPlan&, const JobProgress& p) { return One(static_cast<double>(p.restarts)); }},
      {"weir_unaccounted_rows",
       "Rows that the ledger misses or has too many; always 0.",
       false,
       {},
       [](const JobPlan&, const JobProgress& p) {
         return One(static_cast<double>(p.unaccounted_rows));
       }},
      {"weir_node_rows_in_total",
       "Rows into a node up to the newest checkpoint.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p) { return OfNodes(plan, p, "in"); }},
      {"weir_node_rows_out_total",
       "Rows out of a node up to the newest checkpoint.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p) { return OfNodes(plan, p, "out"); }},
      {"weir_node_rows_late_total",
       "Rows that came after their windows had closed.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p) { return OfNodes(plan, p, "late"); }},
      {"weir_node_rows_rejected_total",
       "Rows and records that a node could not take.",
       true,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p) { return OfNodes(plan, p, "rejected"); }},
      {"weir_node_rows_held",
       "Rows that a node's state stands for.",
       false,
       {"node"},
       [](const JobPlan& plan, const JobProgress& p) { return OfNodes(plan, p, "held"); }},
      {"weir_task_rows_total",
       "Rows into a task.",
       true,
       {"task"},
       [](const JobPlan&, const JobProgress& p) {
         std::vector<Sample> samples;
         for (const auto& task : p.tasks) {
           samples.push_back({{task.task.ToString()}, static_cast<double>(task.rows_in)});
         }
         return samples;
       }},
      {"weir_task_busy_seconds_total",
       "Time a task has spent on rows.",
       true,
       {"task"},
       [](const JobPlan&, const JobProgress& p) {
         std::vector<Sample> samples;
         for (const auto& task : p.tasks) {
           samples.push_back({{task.task.ToString()}, static_cast<double>(task.busy_us) / 1e6});
         }
         return samples;
       }},
  };
  return metrics;
}

std::string PrometheusText(const JobPlan& plan, const JobProgress& progress) {
  std::vector<prometheus::MetricFamily> families;
  for (const Metric& metric : AllMetrics()) {
    prometheus::MetricFamily family;
    family.name = metric.name;
    family.help = metric.help;
    family.type = metric.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const Sample& sample : metric.samples(plan, progress)) {
      prometheus::ClientMetric client;
      client.label.push_back({"job", plan.name});
      for (size_t i = 0; i < sample.labels.size(); i++) {
        client.label.push_back({std::string(metric.labels[i]), sample.labels[i]});
      }
      if (metric.counter) {
        client.counter.value = sample.value;
      } else {
        client.gauge.value = sample.value;
      }
      family.metric.push_back(std::move(client));
    }
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weir
