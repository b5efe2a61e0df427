#include "daemon/http/job_json.h"

#include <nlohmann/json.hpp>

#include "daemon/worker/progress_json.h"

namespace weir {

using Json = nlohmann::ordered_json;

Json ToJson(const JobInShort& job) {
  Json json = {{"name", job.name},       {"state", job.state},
               {"reason", job.reason},   {"parallelism", job.parallelism},
               {"version", job.version}, {"restarts", job.restarts}};
  if (job.downtime) json["downtime_seconds"] = Seconds(*job.downtime);
  if (job.in_state) json["since_seconds"] = Seconds(*job.in_state);
  if (job.failure) {
    json["failure"] = {
        {"code", job.failure->code}, {"message", job.failure->text}, {"cure", job.failure->cure}};
  }
  if (job.report) {
    const manager::AttemptReport& report = *job.report;
    json["rows_in"] = report.rows_in_now;
    json["rows_out"] = report.rows_out_now;
    json["rows_per_second"] = report.rows_per_second;
    json["rows_out_per_second"] =
        report.rows_out_per_second ? Json(*report.rows_out_per_second) : Json(nullptr);
    json["lag_records"] = report.lag_records < 0 ? Json(nullptr) : Json(report.lag_records);
    json["lag_seconds"] =
        report.lag_us < 0 ? Json(nullptr) : Json(static_cast<double>(report.lag_us) / 1e6);
    json["busy"] = report.busy;
    json["watermark"] = TimeJson(report.watermark);
    json["held_by"] = report.held_by;
    json["checkpoint"] = report.checkpoint;
    json["checkpoint_age_seconds"] = Seconds(report.checkpoint_age);
  }
  return json;
}

}  // namespace weir
