#include "daemon/http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/time.h"
#include "engine/program_list.h"

namespace weir {
namespace {

/// When this process was begun: what stands at namespace scope is made before main.
const EventTime kBegan = SystemClock().Now();

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

double ResidentBytes() {
  std::ifstream pages("/proc/self/statm");
  double size = 0;
  double resident = 0;
  pages >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Under the names that Prometheus' own clients give them.
std::span<const Metric<>> ProcessMetrics() {
  static const std::vector<Metric<>> metrics = {
      {"process_cpu_seconds_total",
       "Processor time of this process, user and system.",
       true,
       {},
       [] { return std::vector<Sample>{{{}, CpuSeconds()}}; }},
      {"process_resident_memory_bytes",
       "Memory of this process that is resident.",
       false,
       {},
       [] { return std::vector<Sample>{{{}, ResidentBytes()}}; }},
      {"process_start_time_seconds",
       "When this process was begun, since 1970.",
       false,
       {},
       [] { return std::vector<Sample>{{{}, static_cast<double>(kBegan.us) / 1e6}}; }},
      {"weir_program_restarts_total",
       "Programs that steps call, started anew because they had failed.",
       true,
       {"program"},
       [] {
         std::vector<Sample> samples;
         for (const auto& [program, count] : ProgramRestarts()) {
           samples.push_back({{program}, static_cast<double>(count)});
         }
         return samples;
       }},
  };
  return metrics;
}

}  // namespace

MetricsText::MetricsText() { Add(ProcessMetrics(), {}); }

template <typename... Seen>
void MetricsText::Add(std::span<const Metric<Seen...>> table, const std::vector<Label>& common,
                      const Seen&... seen) {
  for (const Metric<Seen...>& metric : table) {
    std::vector<Sample> samples = metric.samples(seen...);
    if (samples.empty()) continue;
    Family& family = families_[metric.name];
    family.help = metric.help;
    family.counter = metric.counter;
    for (Sample& sample : samples) {
      std::vector<Label> labels = common;
      for (size_t i = 0; i < sample.labels.size(); i++) {
        labels.emplace_back(metric.labels[i], std::move(sample.labels[i]));
      }
      family.samples.emplace_back(std::move(labels), sample.value);
    }
  }
}

void MetricsText::AddJob(const JobPlan& plan, const JobProgress& progress, EventTime now) {
  Add(JobMetrics(), {{"job", plan.name}}, plan, progress, now);
  AddLinks(plan, now);
}

void MetricsText::AddLinks(const JobPlan& plan, EventTime now) {
  Add(LinkMetrics(), {{"job", plan.name}}, plan, now);
}

void MetricsText::AddWorker(const WorkerStatus& worker) { Add(WorkerMetrics(), {}, worker); }

void MetricsText::AddManager(const manager::Core& core, Duration now) {
  Add(ManagerMetrics(), {}, core, now);
}

void MetricsText::AddRefusals(const Refusals& refusals) { Add(RefusalMetrics(), {}, refusals); }

std::string MetricsText::Render() const {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& [name, held] : families_) {
    prometheus::MetricFamily family;
    family.name = name;
    family.help = held.help;
    family.type = held.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const auto& [labels, value] : held.samples) {
      prometheus::ClientMetric client;
      for (const auto& [label, text] : labels) client.label.push_back({std::string(label), text});
      (held.counter ? client.counter.value : client.gauge.value) = value;
      family.metric.push_back(std::move(client));
    }
    families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weir
