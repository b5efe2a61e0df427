#include "daemon/http/metrics.h"

namespace weir {
namespace {

using manager::Core;
using manager::Job;

std::vector<Sample> One(double value) { return {{{}, value}}; }

/// One sample of each job that `value` knows it of.
ManagerMetric OfJobs(std::string_view name, std::string_view help, bool counter,
                     std::optional<double> (*value)(const Job&, Duration)) {
  return {name, help, counter, {"job"}, [value](const Core& core, Duration now) {
            std::vector<Sample> samples;
            for (const auto& [id, job] : core.jobs()) {
              if (const auto known = value(job, now)) samples.push_back({{id}, *known});
            }
            return samples;
          }};
}
/// The same of what its lead has told last, while it runs.
ManagerMetric OfReports(std::string_view name, std::string_view help, bool counter,
                        double (*value)(const manager::AttemptReport&)) {
  return {name, help, counter, {"job"}, [value](const Core& core, Duration) {
            std::vector<Sample> samples;
            for (const auto& [id, job] : core.jobs()) {
              if (job.report) samples.push_back({{id}, value(*job.report)});
            }
            return samples;
          }};
}
ManagerMetric OfWorkers(std::string_view name, std::string_view help,
                        double (*value)(const manager::Worker&)) {
  return {name, help, false, {"worker"}, [value](const Core& core, Duration) {
            std::vector<Sample> samples;
            for (const auto& [id, worker] : core.cluster().workers()) {
              samples.push_back({{id}, value(worker)});
            }
            return samples;
          }};
}

double InSeconds(Duration time) { return static_cast<double>(time.us) / 1e6; }

}  // namespace

std::span<const ManagerMetric> ManagerMetrics() {
  static const std::vector<ManagerMetric> metrics = {
      {"weir_manager_leads",
       "1 while this manager leads its cluster.",
       false,
       {},
       [](const Core& core, Duration) { return One(core.leading() ? 1 : 0); }},
      {"weir_manager_term",
       "Term that this manager leads, or has led, under.",
       false,
       {},
       [](const Core& core, Duration) { return One(static_cast<double>(core.term())); }},
      OfWorkers("weir_worker_up", "1 while a worker has its session.",
                [](const manager::Worker& worker) { return worker.present() ? 1.0 : 0.0; }),
      OfWorkers("weir_worker_draining", "1 while a worker's tasks are moved away, or have been.",
                [](const manager::Worker& worker) { return worker.draining() ? 1.0 : 0.0; }),
      OfWorkers("weir_worker_slots", "Worker slots of a worker.",
                [](const manager::Worker& worker) { return static_cast<double>(worker.slots); }),
      OfWorkers("weir_worker_slots_free", "Those of them that no job holds.",
                [](const manager::Worker& worker) { return static_cast<double>(worker.free()); }),
      {"weir_job_state",
       "1 for the state that a job is in, 0 for all others.",
       false,
       {"job", "state"},
       [](const Core& core, Duration) {
         std::vector<Sample> samples;
         for (const auto& [name, job] : core.jobs()) {
           for (manager::JobState state : manager::kJobStates) {
             samples.push_back({{name, std::string(manager::NameOf(state))},
                                job.record.state == state ? 1.0 : 0.0});
           }
         }
         return samples;
       }},
      OfJobs("weir_job_state_seconds", "Time since a job came into its state.", false,
             [](const Job& job, Duration now) -> std::optional<double> {
               return InSeconds({now.us - job.since.us});
             }),
      OfJobs(
          "weir_job_parallelism", "Tasks that each step of a job has.", false,
          [](const Job& job, Duration) -> std::optional<double> { return job.record.parallelism; }),
      OfJobs("weir_job_restarts_total", "Attempts of a job that ended without its end.", true,
             [](const Job& job, Duration) -> std::optional<double> {
               return static_cast<double>(job.record.restarts);
             }),
      OfJobs("weir_job_downtime_seconds_total",
             "Time from the ends of a job's attempts until rows flowed again.", true,
             [](const Job& job, Duration) -> std::optional<double> {
               return InSeconds(job.record.downtime);
             }),
      OfReports("weir_job_rows_in_total", "Rows that a job's sources have given it.", true,
                [](const auto& report) { return static_cast<double>(report.rows_in); }),
      OfReports("weir_job_rows_out_total", "Rows that a job has given its sinks.", true,
                [](const auto& report) { return static_cast<double>(report.rows_out); }),
      OfReports("weir_job_rows_per_second", "Rows a second that a job's sources read.", false,
                [](const auto& report) { return report.rows_per_second; }),
      OfReports("weir_job_busy", "Share of their time that a job's busiest tasks are at work.",
                false, [](const auto& report) { return report.busy; }),
      OfJobs("weir_job_lag_records", "Records that a job's sources hold and it has not read.",
             false,
             [](const Job& job, Duration) -> std::optional<double> {
               if (!job.report || job.report->lag_records < 0) return std::nullopt;
               return static_cast<double>(job.report->lag_records);
             }),
      OfJobs("weir_job_lag_seconds",
             "Age of the newest record read where others wait behind it, of the slowest partition.",
             false,
             [](const Job& job, Duration) -> std::optional<double> {
               if (!job.report || job.report->lag_us < 0) return std::nullopt;
               return InSeconds(Duration{job.report->lag_us});
             }),
      OfReports("weir_job_checkpoint_number", "Newest committed checkpoint of a job.", false,
                [](const auto& report) { return static_cast<double>(report.checkpoint); }),
      OfReports("weir_job_checkpoint_age_seconds", "Time since it was committed.", false,
                [](const auto& report) { return InSeconds(report.checkpoint_age); }),
  };
  return metrics;
}

}  // namespace weir
