#include "daemon/http/manager_api.h"

#include <httplib.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ids.h"
#include "config/values.h"
#include "daemon/http/answer.h"
#include "daemon/http/diagnosis.h"
#include "daemon/http/job_json.h"
#include "daemon/http/metrics.h"
#include "daemon/http/page.h"
#include "daemon/manager/errors.h"
#include "daemon/worker/progress_json.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Request;
using httplib::Response;

constexpr Duration kPatience = Duration::Seconds(30);
constexpr Duration kSavepointPatience = Duration::Minutes(10);

Json JobJson(const manager::Core& core, const manager::Job& job, Duration now) {
  const manager::JobRecord& record = job.record;
  JobInShort told;
  told.name = record.name;
  told.state = manager::NameOf(record.state);
  told.reason = core.Describe(record.name, now);
  told.parallelism = record.parallelism;
  told.version = record.text.version;
  told.restarts = record.restarts;
  told.downtime = record.downtime;
  told.in_state = Duration{now.us - job.since.us};
  told.failure = record.failure;
  told.report = job.report;
  return ToJson(told);
}

void AddWhole(const manager::Job& job, Json& json) {
  const manager::JobRecord& record = job.record;
  json["instance"] = record.instance;
  json["failures_in_row"] = record.failures_in_row;
  json["created"] = TimeJson(record.created_at);
  json["changed"] = TimeJson(record.changed_at);
  if (record.savepoint > 0) json["savepoint"] = record.savepoint;
  if (record.attempt) {
    Json workers = Json::array();
    const manager::Placement& placement = record.attempt->placement;
    for (const manager::AttemptWorker& worker : placement.workers) workers.push_back(worker.id);
    Json tasks = Json::array();
    for (uint32_t of : placement.worker_of) tasks.push_back(placement.workers[of].id);
    json["attempt"] = {{"id", record.attempt->id.ToString()},
                       {"lead", placement.lead().id},
                       {"workers", std::move(workers)},
                       {"worker_of_index", std::move(tasks)}};
  }
  json["history"] = Json::array();
  for (const manager::RestartRecord& restart : record.history) {
    json["history"].push_back(
        {{"at", TimeJson(restart.at)},
         {"attempt", restart.attempt.ToString()},
         {"reason", restart.reason},
         {"downtime_seconds",
          restart.downtime.us < 0 ? Json(nullptr) : Json(Seconds(restart.downtime))}});
  }
  json["text"] = record.text.yaml ? *record.text.yaml : std::string();
}

Json WorkerJson(const manager::Core& core, const manager::Worker& worker, Duration now) {
  Json jobs = Json::array();
  for (const std::string& job : worker.jobs) jobs.push_back(job);
  return {{"id", worker.id},
          {"state", worker.present() ? (worker.draining() ? "draining" : "here")
                    : worker.lost    ? "lost"
                                     : "away"},
          {"reason", core.DescribeWorker(worker.id, now)},
          {"address", worker.address},
          {"version", worker.version},
          {"slots", worker.slots},
          {"free", worker.free()},
          {"jobs", std::move(jobs)},
          {"labels", worker.labels}};
}

/// A request's body with the fields that its command has; faults of it are the user's.
class Body {
 public:
  static Result<Body> Of(const Request& request, std::initializer_list<std::string_view> known) {
    Json json = Json::object();
    if (!request.body.empty()) {
      json = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    }
    if (!json.is_object()) return Bad("the body is not a JSON object");
    for (const auto& [name, value] : json.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return Bad(fmt::format("the body has an unknown field '{}'", name));
      }
    }
    return Body(std::move(json));
  }
  Result<bool> Flag(const char* name) const {
    if (!json_.contains(name)) return false;
    if (!json_[name].is_boolean()) return Bad(fmt::format("'{}' is to be true or false", name));
    return json_[name].get<bool>();
  }
  Result<std::string> Text(const char* name) const {
    if (!json_.contains(name) || !json_[name].is_string()) {
      return Bad(fmt::format("'{}' is to be a text", name));
    }
    return json_[name].get<std::string>();
  }
  Result<uint32_t> Number(const char* name, uint32_t fallback) const {
    if (!json_.contains(name)) return fallback;
    if (!json_[name].is_number_unsigned() || json_[name].get<uint64_t>() > 65536) {
      return Bad(fmt::format("'{}' is to be a number from 1 to 65536", name));
    }
    return json_[name].get<uint32_t>();
  }
  Result<manager::AttemptChoices> Choices() const {
    manager::AttemptChoices choices;
    choices.rewind = WEIR_TRY(Flag("rewind"));
    choices.take_over = WEIR_TRY(Flag("take_over"));
    choices.fresh = WEIR_TRY(Flag("fresh"));
    return choices;
  }

 private:
  explicit Body(Json json) : json_(std::move(json)) {}
  static Status Bad(std::string message) { return Status(errors::kBadRequest, std::move(message)); }
  Json json_;
};

class Api {
 public:
  Api(manager::Service& service, std::function<Result<CheckedJob>(const std::string&)> check)
      : service_(service), check_(std::move(check)) {}

  Result<Json> Jobs() const {
    Json jobs = Json::array();
    service_.Look([&](const manager::Core& core, Duration now) {
      for (const auto& [name, job] : core.jobs()) jobs.push_back(JobJson(core, job, now));
    });
    return Json{{"jobs", std::move(jobs)}};
  }

  Result<Json> Job(const std::string& name) const {
    Json json;
    service_.Look([&](const manager::Core& core, Duration now) {
      const auto job = core.jobs().find(name);
      if (job == core.jobs().end()) return;
      json = JobJson(core, job->second, now);
      AddWhole(job->second, json);
    });
    if (json.is_null()) {
      return Status(errors::kNoSuchJob, fmt::format("there is no job '{}'", name),
                    "'weir list' shows what there is");
    }
    const std::string details = service_.DetailsOf(name);
    if (!details.empty()) json["details"] = Json::parse(details, nullptr, false);
    return json;
  }

  /// What holds it.
  Result<Json> Why(const std::string& name) const {
    const Json job = WEIR_TRY(Job(name));
    Json findings = Json::array();
    for (const Finding& finding : Diagnose(job, SystemClock().Now().us)) {
      findings.push_back({{"what", finding.what},
                          {"message", finding.message},
                          {"evidence", finding.evidence},
                          {"cure", finding.cure}});
    }
    return Json{{"job", name},
                {"state", job["state"]},
                {"reason", job["reason"]},
                {"findings", std::move(findings)}};
  }

  /// Lines of workers' logs about it: those after number `after`, the newest `lines` of them.
  Result<Json> Logs(const std::string& name, const Request& request) const {
    (void)WEIR_TRY(Job(name));
    const auto number = [&](const char* parameter, int64_t missing) -> Result<int64_t> {
      if (!request.has_param(parameter)) return missing;
      const Result<int64_t> given = ParseInteger(request.get_param_value(parameter));
      if (given.ok() && *given >= 0) return *given;
      return Status(errors::kBadRequest, fmt::format("'{}' must be a number", parameter));
    };
    const int64_t after = WEIR_TRY(number("after", 0));
    const int64_t most = WEIR_TRY(number("lines", 100));
    Json lines = Json::array();
    for (const auto& line :
         service_.LinesOf(name, static_cast<uint64_t>(after), static_cast<size_t>(most))) {
      lines.push_back({{"number", line.number}, {"worker", line.worker}, {"line", line.line}});
    }
    return Json{{"job", name}, {"lines", std::move(lines)}};
  }

  Result<Json> Workers() const {
    Json workers = Json::array();
    service_.Look([&](const manager::Core& core, Duration now) {
      for (const auto& [id, worker] : core.cluster().workers()) {
        workers.push_back(WorkerJson(core, worker, now));
      }
    });
    return Json{{"workers", std::move(workers)}};
  }

  Result<Json> Submit(const Request& request) {
    const Body body =
        WEIR_TRY(Body::Of(request, {"text", "parallelism", "rewind", "take_over", "fresh"}));
    const std::string text = WEIR_TRY(body.Text("text"));
    CheckedJob checked = WEIR_TRY(check_(text));
    manager::commands::Submit submit;
    submit.job = checked.name;
    submit.yaml = std::make_shared<const std::string>(text);
    submit.parallelism = WEIR_TRY(body.Number("parallelism", checked.parallelism));
    submit.policy = std::move(checked.policy);
    submit.choices = WEIR_TRY(body.Choices());
    submit.instance = RandomId();
    return Do(std::move(submit), checked.name);
  }

  Result<Json> Change(const Request& request, const std::string& job, const std::string& what) {
    if (what == "stop") {
      const Body body = WEIR_TRY(Body::Of(request, {"drain"}));
      return Do(manager::commands::Stop{job, WEIR_TRY(body.Flag("drain"))}, job);
    }
    if (what == "cancel") {
      (void)WEIR_TRY(Body::Of(request, {}));
      return Do(manager::commands::Cancel{job}, job);
    }
    if (what == "savepoint") {
      (void)WEIR_TRY(Body::Of(request, {}));
      return Do(manager::commands::Savepoint{job}, job, kSavepointPatience);
    }
    if (what == "rescale") {
      const Body body = WEIR_TRY(Body::Of(request, {"parallelism"}));
      return Do(manager::commands::Rescale{job, WEIR_TRY(body.Number("parallelism", 0))}, job);
    }
    if (what == "upgrade") {
      const Body body = WEIR_TRY(Body::Of(request, {"text", "parallelism"}));
      const std::string text = WEIR_TRY(body.Text("text"));
      CheckedJob checked = WEIR_TRY(check_(text));
      if (checked.name != job) {
        return Status(errors::kBadRequest,
                      fmt::format("the text is of job '{}', not of '{}'", checked.name, job),
                      "an upgrade keeps the job's name");
      }
      manager::commands::Upgrade upgrade;
      upgrade.job = job;
      upgrade.yaml = std::make_shared<const std::string>(text);
      upgrade.parallelism = WEIR_TRY(body.Number("parallelism", checked.parallelism));
      upgrade.policy = std::move(checked.policy);
      return Do(std::move(upgrade), job);
    }
    const Body body = WEIR_TRY(Body::Of(request, {"rewind", "take_over", "fresh"}));
    return Do(manager::commands::Restart{job, WEIR_TRY(body.Choices()), RandomId()}, job);
  }

  Result<Json> ChangeWorker(const std::string& worker, bool drain) {
    manager::Command command = manager::commands::Undrain{worker};
    if (drain) command = manager::commands::Drain{worker};
    manager::Service::Answer answer = service_.Do(kUser, std::move(command), kPatience);
    if (!answer.status.ok()) return std::move(answer.status);
    return Json{{"worker", worker}};
  }

 private:
  /// Until there are tokens, everybody who reaches the loopback is the same user.
  static constexpr const char* kUser = "local";

  Result<Json> Do(manager::Command command, const std::string& job, Duration wait = kPatience) {
    manager::Service::Answer answer = service_.Do(kUser, std::move(command), wait);
    if (!answer.status.ok()) return std::move(answer.status);
    Json json = {{"job", job}};
    if (answer.savepoint > 0) json["savepoint"] = answer.savepoint;
    return json;
  }

  manager::Service& service_;
  const std::function<Result<CheckedJob>(const std::string&)> check_;
};

/// A handler that answers with what `act` gives, or with its error; only where the manager leads.
httplib::Server::Handler Answering(const manager::Service& service,
                                   std::function<Result<Json>(const Request&)> act) {
  return [&service, act = std::move(act)](const Request& request, Response& response) {
    const Status leads = service.Leads();
    Answer(response, leads.ok() ? act(request) : Result<Json>(leads));
  };
}

}  // namespace

Result<std::unique_ptr<HttpServer>> ServeManager(
    const std::string& address, manager::Service& service,
    const std::function<Result<CheckedJob>(const std::string& text)>& check) {
  const auto api = std::make_shared<Api>(service, check);
  return HttpServer::Start(address, "--http", [api, &service](httplib::Server& server) {
    ServePage(server);
    const std::string job = R"(/api/v1/jobs/([A-Za-z0-9._-]{1,128}))";
    server.Get("/api/v1/jobs", Answering(service, [api](const Request&) { return api->Jobs(); }));
    server.Get(job, Answering(service, [api](const Request& request) {
                 return api->Job(request.matches[1]);
               }));
    server.Get(job + "/why", Answering(service, [api](const Request& request) {
                 return api->Why(request.matches[1]);
               }));
    server.Get(job + "/logs", Answering(service, [api](const Request& request) {
                 return api->Logs(request.matches[1], request);
               }));
    server.Post("/api/v1/jobs",
                Answering(service, [api](const Request& request) { return api->Submit(request); }));
    server.Post(job + "/(stop|cancel|savepoint|rescale|upgrade|restart)",
                Answering(service, [api](const Request& request) {
                  return api->Change(request, request.matches[1], request.matches[2]);
                }));
    server.Get("/api/v1/workers",
               Answering(service, [api](const Request&) { return api->Workers(); }));
    server.Post(R"(/api/v1/workers/([A-Za-z0-9._:-]{1,128})/(drain|undrain))",
                Answering(service, [api](const Request& request) {
                  return api->ChangeWorker(request.matches[1], request.matches[2] == "drain");
                }));
    server.Get("/metrics", [&service](const Request&, Response& response) {
      MetricsText text;
      service.Look([&](const manager::Core& core, Duration now) { text.AddManager(core, now); });
      response.set_content(text.Render(), MetricsText::kContentType);
    });
    server.Get("/healthz", [](const Request&, Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server.Get("/readyz", [&service](const Request&, Response& response) {
      bool leading = false;
      service.Look([&](const manager::Core& core, Duration) { leading = core.leading(); });
      if (!leading) response.status = 503;
      response.set_content(leading ? "leading\n" : "not leading\n", "text/plain");
    });
    server.set_error_handler([](const Request& request, Response& response) {
      if (!response.body.empty()) return;
      const int status = response.status;
      Answer(response,
             Status(errors::kBadRequest, fmt::format("{} {} is nothing that is served here",
                                                     request.method, request.path)));
      response.status = status;
    });
  });
}

}  // namespace weir
