#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/job_run.h"

namespace weir {

/// One value of a metric, with the values of its labels in the order of `Metric::labels`.
struct Sample {
  std::vector<std::string> labels;
  double value = 0;
};

/// A metric as users meet it: one entry feeds /metrics and the reference page.
struct Metric {
  std::string_view name;
  std::string_view help;
  bool counter = false;  ///< Otherwise a gauge.
  std::vector<std::string_view> labels;
  std::function<std::vector<Sample>(const JobPlan&, const JobProgress&)> samples;
};

/// All metrics of a job. Every one also has the label `job`.
std::span<const Metric> AllMetrics();

/// Prometheus text (version 0.0.4) of a job's metrics.
std::string PrometheusText(const JobPlan& plan, const JobProgress& progress);

}  // namespace weir
