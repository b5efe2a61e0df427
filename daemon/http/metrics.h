#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/manager/core.h"
#include "daemon/security/refusals.h"
#include "daemon/worker/worker_status.h"
#include "engine/progress.h"

namespace weir {

/// One value of a metric, with the values of its labels in the order of `Metric::labels`.
struct Sample {
  std::vector<std::string> labels;
  double value = 0;
};

/// A metric as users meet it: one entry feeds /metrics and the reference page. `Seen` is what its
/// samples are read from. Labels have few values: jobs, their nodes and tasks, workers; never keys,
/// partitions or attempts.
template <typename... Seen>
struct Metric {
  std::string_view name;
  std::string_view help;
  bool counter = false;  ///< Otherwise a gauge.
  std::vector<std::string_view> labels;
  std::function<std::vector<Sample>(const Seen&...)> samples;
};

using JobMetric = Metric<JobPlan, JobProgress, EventTime>;  ///< The time: the wall clock's.
using LinkMetric = Metric<JobPlan, EventTime>;              ///< The time: the wall clock's.
using WorkerMetric = Metric<WorkerStatus>;
using ManagerMetric = Metric<manager::Core, Duration>;  ///< The time: monotonic.
using RefusalMetric = Metric<Refusals>;

/// Of a job, by the process that drives it; each also has the label `job`.
std::span<const JobMetric> JobMetrics();
/// Of a job's connections, by each process that has some; each also has the label `job`.
std::span<const LinkMetric> LinkMetrics();
/// Of a worker process.
std::span<const WorkerMetric> WorkerMetrics();
/// Of a manager process.
std::span<const ManagerMetric> ManagerMetrics();
/// Of a manager or worker process: whom it did not let in.
std::span<const RefusalMetric> RefusalMetrics();

/// The metrics of one process, as they stand: gathered, then told in Prometheus' text (0.0.4).
class MetricsText {
 public:
  /// With what every process tells of itself.
  MetricsText();
  /// May be called for several jobs.
  void AddJob(const JobPlan& plan, const JobProgress& progress, EventTime now);
  /// Of a job whose tasks are in this process; of those it drives, AddJob does.
  void AddLinks(const JobPlan& plan, EventTime now);
  void AddWorker(const WorkerStatus& worker);
  void AddManager(const manager::Core& core, Duration now);
  void AddRefusals(const Refusals& refusals);
  std::string Render() const;

  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  using Label = std::pair<std::string_view, std::string>;
  struct Family {
    std::string_view help;
    bool counter = false;
    std::vector<std::pair<std::vector<Label>, double>> samples;
  };
  template <typename... Seen>
  void Add(std::span<const Metric<Seen...>> table, const std::vector<Label>& common,
           const Seen&... seen);

  std::map<std::string_view, Family> families_;
};

}  // namespace weir
