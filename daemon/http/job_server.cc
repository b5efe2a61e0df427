#include "daemon/http/job_server.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "daemon/http/answer.h"
#include "daemon/http/metrics.h"
#include "daemon/http/metrics_server.h"
#include "daemon/http/page.h"
#include "daemon/manager/errors.h"
#include "daemon/worker/attempt_report.h"
#include "daemon/worker/progress_json.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Request;
using httplib::Response;

/// Where a job of one process stands, and why.
struct Standing {
  std::string_view phase;  ///< Of JobProgress.
  manager::JobState state;
  std::string_view reason;
};
constexpr Standing kStandings[] = {
    {"starting", manager::JobState::kStarting, "it looks at its checkpoints and at the outside"},
    {"running", manager::JobState::kRunning, "rows flow"},
    {"stopping", manager::JobState::kStopping, "the last checkpoint is under way"},
    {"waiting", manager::JobState::kWaiting, "it starts anew from its last checkpoint in a moment"},
    {"ended", manager::JobState::kEnded, "it is through, and everything is published"},
    {"failed", manager::JobState::kFailed, "it cannot go on by itself"},
};

/// What of the job's topics nobody can read or write just now, in words; empty: nothing.
std::string LeaderlessIn(const JobPlan& plan) {
  std::vector<std::string> found;
  for (const NodePlan& node : plan.nodes) {
    const Linked* outside = node.Outside();
    const auto link = outside != nullptr ? outside->Link() : std::nullopt;
    if (!link || link->partitions_leaderless == 0) continue;
    found.push_back(fmt::format("partitions of '{}' without a leader: {}", node.user_name,
                                link->partitions_leaderless));
  }
  return fmt::format("{}", fmt::join(found, ", "));
}

/// The job as the API shows it. Thread safe.
class ShownJob {
 public:
  ShownJob(const JobPlan& plan, const JobRun& run, const Clock& clock)
      : plan_(plan), run_(run), clock_(clock), meter_(plan) {}

  Json Short() { return Look().first; }
  Result<Json> Whole(const std::string& name) {
    if (name != plan_.name) {
      return Status(errors::kNoSuchJob, fmt::format("there is no job '{}'", name),
                    fmt::format("this process runs '{}'", plan_.name));
    }
    auto [json, details] = Look();
    json["history"] = Json::array();
    json["details"] = Json::parse(details, nullptr, /*allow_exceptions=*/false);
    return json;
  }

 private:
  std::pair<Json, std::string> Look() {
    const JobProgress progress = run_.progress();
    JobRates rates;
    {
      std::lock_guard lock(mutex_);
      rates = meter_.Look(progress, clock_.Monotonic());
    }
    return {ToJson(InShort(plan_, progress, rates)), ProgressJson(plan_, progress, rates)};
  }

  const JobPlan& plan_;
  const JobRun& run_;
  const Clock& clock_;
  std::mutex mutex_;
  RateMeter meter_;  // Under mutex_.
};

}  // namespace

JobInShort InShort(const JobPlan& plan, const JobProgress& progress, const JobRates& rates) {
  const auto* standing =
      std::find_if(std::begin(kStandings), std::end(kStandings),
                   [&](const Standing& one) { return one.phase == progress.phase; });
  WEIR_CHECK(standing != std::end(kStandings));
  JobInShort job;
  job.name = plan.name;
  job.state = manager::NameOf(standing->state);
  job.reason = standing->reason;
  if (!progress.held_by.empty()) {
    job.reason += "; the checkpoint under way waits for " + progress.held_by;
  }
  if (const std::string cut_off = LeaderlessIn(plan); !cut_off.empty()) {
    job.reason += "; " + cut_off;
  }
  job.parallelism = WidthOf(plan);
  job.restarts = progress.restarts;
  if (progress.failure) job.failure = manager::Failure::Of(*progress.failure);
  job.report = AttemptReportOf(plan, progress, rates);
  return job;
}

Result<std::unique_ptr<HttpServer>> ServeJob(const std::string& address, const JobPlan& plan,
                                             const JobRun& run, const Clock& clock) {
  const auto shown = std::make_shared<ShownJob>(plan, run, clock);
  HttpServerOptions options;
  options.address = address;
  options.flag = "--metrics";
  options.refusals = std::make_shared<Refusals>(clock);
  std::vector<HttpRoute> routes = PageRoutes();
  const auto add = [&](const char* path, Access access, auto answer) {
    routes.push_back({"GET", path, access, std::move(answer)});
  };
  add("/api/v1/jobs", Access::kView, [shown](const HttpCall&, Response& response) {
    Answer(response, Json{{"jobs", Json::array({shown->Short()})}});
  });
  add("/api/v1/jobs/{job}", Access::kView, [shown](const HttpCall& call, Response& response) {
    Answer(response, shown->Whole(call.names.front()));
  });
  add("/api/v1/workers", Access::kView, [](const HttpCall&, Response& response) {
    Answer(response, Json{{"workers", Json::array()}});
  });
  add("/metrics", Access::kView, [&plan, &run, &clock](const HttpCall&, Response& response) {
    MetricsText text;
    text.AddJob(plan, run.progress(), clock.Now());
    response.set_content(text.Render(), MetricsText::kContentType);
  });
  add("/healthz", Access::kPublic, AnswerHealthy);
  add("/readyz", Access::kPublic, [&plan, &run](const HttpCall&, Response& response) {
    const std::string phase = run.progress().phase;
    const std::string cut_off = LeaderlessIn(plan);
    if (phase != "running" || !cut_off.empty()) response.status = 503;
    response.set_content(phase + (cut_off.empty() ? "" : "; " + cut_off) + "\n", "text/plain");
  });
  return HttpServer::Start(std::move(options), std::move(routes));
}

}  // namespace weir
