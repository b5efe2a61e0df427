#include "daemon/http/manager_api.h"

#include <httplib.h>

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/ids.h"
#include "config/values.h"
#include "daemon/http/answer.h"
#include "daemon/http/diagnosis.h"
#include "daemon/http/job_json.h"
#include "daemon/http/metrics.h"
#include "daemon/http/metrics_server.h"
#include "daemon/http/page.h"
#include "daemon/manager/errors.h"
#include "daemon/worker/progress_json.h"
#include "engine/plan_diff.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;
using httplib::Request;
using httplib::Response;

constexpr Duration kPatience = Duration::Seconds(30);
constexpr Duration kLongPatience = Duration::Minutes(10);  // Longer than a worker may take.

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

void AddWhole(const manager::Job& job, Duration now, Json& json) {
  const manager::JobRecord& record = job.record;
  json["instance"] = record.instance;
  json["failures_in_row"] = record.failures_in_row;
  if (record.state == manager::JobState::kWaiting && now < job.try_at) {
    json["backoff_seconds"] = Seconds({job.try_at.us - now.us});
  }
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
          {"checkpoint_store", worker.store_url},
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
  Result<std::vector<std::string>> Texts(const char* name) const {
    std::vector<std::string> texts;
    if (!json_.contains(name)) return texts;
    const auto wrong = [&] { return Bad(fmt::format("'{}' is to be a list of texts", name)); };
    if (!json_[name].is_array()) return wrong();
    for (const Json& one : json_[name]) {
      if (!one.is_string()) return wrong();
      texts.push_back(one.get<std::string>());
    }
    return texts;
  }
  Result<uint32_t> Number(const char* name, uint32_t fallback) const {
    if (!json_.contains(name)) return fallback;
    if (!json_[name].is_number_unsigned() || json_[name].get<uint64_t>() > 65536) {
      return Bad(fmt::format("'{}' is to be a number from 1 to 65536", name));
    }
    return json_[name].get<uint32_t>();
  }
  /// The number of a checkpoint; 0: none is said.
  Result<uint64_t> Checkpoint(const char* name) const {
    if (!json_.contains(name)) return uint64_t{0};
    if (!json_[name].is_number_unsigned() || json_[name].get<uint64_t>() == 0) {
      return Bad(fmt::format("'{}' is to be the number of a checkpoint", name));
    }
    return json_[name].get<uint64_t>();
  }
  Result<manager::AttemptChoices> Choices() const {
    manager::AttemptChoices choices;
    choices.rewind = WEIR_TRY(Flag("rewind"));
    choices.take_over = WEIR_TRY(Flag("take_over"));
    choices.fresh = WEIR_TRY(Flag("fresh"));
    if (json_.contains("from")) choices.from = WEIR_TRY(Text("from"));
    const bool found_anywhere = choices.from.find_first_not_of("0123456789") == std::string::npos ||
                                choices.from.starts_with('/') || choices.from.starts_with("s3://");
    if (!found_anywhere) {
      return Bad(
          "'from' is to be a number, a path that begins with '/', or an s3:// address: it is "
          "looked for by workers");
    }
    choices.drop_state = WEIR_TRY(Texts("drop_state"));
    return choices;
  }

 private:
  explicit Body(Json json) : json_(std::move(json)) {}
  static Status Bad(std::string message) { return Status(errors::kBadRequest, std::move(message)); }
  Json json_;
};

class Api {
 public:
  Api(manager::Service& service, AuditLog& audit,
      std::function<Result<CheckedJob>(const std::string&)> check)
      : service_(service), audit_(audit), check_(std::move(check)) {}

  Result<Json> Jobs(const HttpCall&) const {
    Json jobs = Json::array();
    service_.Look([&](const manager::Core& core, Duration now) {
      for (const auto& [name, job] : core.jobs()) jobs.push_back(JobJson(core, job, now));
    });
    return Json{{"jobs", std::move(jobs)}};
  }

  Result<Json> Job(const HttpCall& call) const {
    const std::string& name = call.names[0];
    Json json;
    Status there;
    service_.Look([&](const manager::Core& core, Duration now) {
      const auto job = core.jobs().find(name);
      if (job == core.jobs().end()) {
        there = core.NoSuchJob(name);
        return;
      }
      json = JobJson(core, job->second, now);
      AddWhole(job->second, now, json);
    });
    WEIR_TRY(std::move(there));
    const std::string details = service_.DetailsOf(name);
    if (!details.empty()) json["details"] = Json::parse(details, nullptr, false);
    return json;
  }

  /// What holds it.
  Result<Json> Why(const HttpCall& call) const {
    const Json job = WEIR_TRY(Job(call));
    Json findings = Json::array();
    for (const Finding& finding : Diagnose(job, SystemClock().Now().us)) {
      findings.push_back({{"what", finding.what},
                          {"message", finding.message},
                          {"evidence", finding.evidence},
                          {"cure", finding.cure}});
    }
    return Json{{"job", job["name"]},
                {"state", job["state"]},
                {"reason", job["reason"]},
                {"findings", std::move(findings)}};
  }

  /// Lines of workers' logs about it: those after number `after`, the newest `lines` of them.
  Result<Json> Logs(const HttpCall& call) const {
    (void)WEIR_TRY(Job(call));
    const auto number = [&](const char* parameter, int64_t missing) -> Result<int64_t> {
      if (!call.request.has_param(parameter)) return missing;
      const Result<int64_t> given = ParseInteger(call.request.get_param_value(parameter));
      if (given.ok() && *given >= 0) return *given;
      return Status(errors::kBadRequest, fmt::format("'{}' must be a number", parameter));
    };
    const int64_t after = WEIR_TRY(number("after", 0));
    const int64_t most = WEIR_TRY(number("lines", 100));
    Json lines = Json::array();
    for (const auto& line :
         service_.LinesOf(call.names[0], static_cast<uint64_t>(after), static_cast<size_t>(most))) {
      lines.push_back({{"number", line.number}, {"worker", line.worker}, {"line", line.line}});
    }
    return Json{{"job", call.names[0]}, {"lines", std::move(lines)}};
  }

  Result<Json> Workers(const HttpCall&) const {
    Json workers = Json::array();
    service_.Look([&](const manager::Core& core, Duration now) {
      for (const auto& [id, worker] : core.cluster().workers()) {
        workers.push_back(WorkerJson(core, worker, now));
      }
    });
    return Json{{"workers", std::move(workers)}};
  }

  /// The checkpoints that are kept of it.
  Result<Json> Checkpoints(const HttpCall& call) { return LookUp(call, manager::Errand{}); }
  /// Whether their bytes are right.
  Result<Json> Verify(const HttpCall& call) {
    const Body body = WEIR_TRY(Body::Of(call.request, {"checkpoint", "savepoint", "quick"}));
    manager::Errand errand;
    errand.kind = manager::Errand::Kind::kVerify;
    errand.checkpoint = WEIR_TRY(body.Checkpoint("checkpoint"));
    errand.savepoint = WEIR_TRY(body.Checkpoint("savepoint"));
    errand.quick = WEIR_TRY(body.Flag("quick"));
    return LookUp(call, std::move(errand));
  }
  Result<Json> RemoveSavepoint(const HttpCall& call) {
    return Do(call, "savepoint remove", call.names[0],
              AskedToRemoveSavepoint(call.request, call.names[0]), kLongPatience);
  }
  /// What is sealed and not known to be published.
  Result<Json> Waiting(const HttpCall& call) {
    manager::Errand errand;
    errand.kind = manager::Errand::Kind::kListWaiting;
    return LookUp(call, std::move(errand));
  }
  Result<Json> Resolve(const HttpCall& call) {
    return Do(call, "resolve", call.names[0], AskedToResolve(call.request, call.names[0]),
              kLongPatience);
  }

  Result<Json> Remove(const HttpCall& call) {
    std::string store;
    service_.Look(
        [&](const manager::Core& core, Duration) { store = core.StoreOf(call.names[0]); });
    Json json = WEIR_TRY(Change<manager::commands::Remove>(call, "remove"));
    json["checkpoints"] = store.empty() ? Json(nullptr) : Json(store + "/" + call.names[0]);
    return json;
  }

  Result<Json> Submit(const HttpCall& call) {
    const Result<Asked> asked = AskedToSubmit(call.request);
    return Do(call, "submit", asked.ok() ? asked->job : std::string(), asked);
  }

  /// A command that wants a job's name and nothing else.
  template <typename C>
  Result<Json> Change(const HttpCall& call, const char* what, Duration wait = kPatience) {
    const std::string& job = call.names[0];
    const Result<Body> body = Body::Of(call.request, {});
    if (!body.ok()) return Do(call, what, job, body.status());
    return Do(call, what, job, Asked{job, C{job}}, wait);
  }
  Result<Json> Stop(const HttpCall& call) {
    return Do(call, "stop", call.names[0], AskedToStop(call.request, call.names[0]));
  }
  Result<Json> Cancel(const HttpCall& call) {
    return Change<manager::commands::Cancel>(call, "cancel");
  }
  Result<Json> Savepoint(const HttpCall& call) {
    return Change<manager::commands::Savepoint>(call, "savepoint", kLongPatience);
  }
  Result<Json> Rescale(const HttpCall& call) {
    return Do(call, "rescale", call.names[0], AskedToRescale(call.request, call.names[0]));
  }
  Result<Json> Upgrade(const HttpCall& call) {
    return Do(call, "upgrade", call.names[0], AskedToUpgrade(call.request, call.names[0]));
  }
  Result<Json> Restart(const HttpCall& call) {
    return Do(call, "restart", call.names[0], AskedToRestart(call.request, call.names[0]));
  }

  /// All that this manager keeps, for whoever restores it once it is lost.
  Result<Json> Backup(const HttpCall& call) {
    const Result<std::string> backup = service_.Backup();
    TellAudit(call, "backup", {}, {}, backup.ok() ? "accepted" : backup.status().code().id);
    if (!backup.ok()) return backup.status();
    size_t jobs = 0;
    service_.Look([&](const manager::Core& core, Duration) { jobs = core.jobs().size(); });
    return Json{{"jobs", jobs}, {"bytes", backup->size()}, {"backup", Base64(*backup)}};
  }

  Result<Json> Drain(const HttpCall& call) {
    return ChangeWorker(call, "drain", manager::commands::Drain{call.names[0]});
  }
  Result<Json> Undrain(const HttpCall& call) {
    return ChangeWorker(call, "undrain", manager::commands::Undrain{call.names[0]});
  }

 private:
  struct Asked {
    std::string job;
    manager::Command command;
  };

  Result<Asked> AskedToSubmit(const Request& request) const {
    const Body body = WEIR_TRY(Body::Of(
        request, {"text", "parallelism", "rewind", "take_over", "fresh", "drop_state", "from"}));
    const std::string text = WEIR_TRY(body.Text("text"));
    CheckedJob checked = WEIR_TRY(check_(text));
    manager::commands::Submit submit;
    submit.job = checked.plan.name;
    submit.yaml = std::make_shared<const std::string>(checked.plan.text);
    submit.parallelism = WEIR_TRY(body.Number("parallelism", checked.parallelism));
    submit.policy = std::move(checked.policy);
    submit.choices = WEIR_TRY(body.Choices());
    submit.instance = RandomId();
    return Asked{checked.plan.name, std::move(submit)};
  }

  Result<Asked> AskedToStop(const Request& request, const std::string& job) const {
    const Body body = WEIR_TRY(Body::Of(request, {"drain"}));
    return Asked{job, manager::commands::Stop{job, WEIR_TRY(body.Flag("drain"))}};
  }

  Result<Asked> AskedToRescale(const Request& request, const std::string& job) const {
    const Body body = WEIR_TRY(Body::Of(request, {"parallelism"}));
    return Asked{job, manager::commands::Rescale{job, WEIR_TRY(body.Number("parallelism", 0))}};
  }

  Result<Asked> AskedToUpgrade(const Request& request, const std::string& job) const {
    const Body body = WEIR_TRY(Body::Of(request, {"text", "parallelism", "drop_state"}));
    const std::string text = WEIR_TRY(body.Text("text"));
    CheckedJob checked = WEIR_TRY(check_(text));
    if (checked.plan.name != job) {
      return Status(errors::kBadRequest,
                    fmt::format("the text is of job '{}', not of '{}'", checked.plan.name, job),
                    "an upgrade keeps the job's name");
    }
    manager::commands::Upgrade upgrade;
    upgrade.job = job;
    upgrade.yaml = std::make_shared<const std::string>(checked.plan.text);
    upgrade.drop_state = WEIR_TRY(body.Texts("drop_state"));
    uint32_t parallelism = checked.parallelism;
    if (const std::optional<Current> now = CurrentOf(job)) {
      // Before anything is stopped.
      WEIR_TRY(CheckDrops(DiffPlans(now->checked.plan, checked.plan, upgrade.drop_state),
                          upgrade.drop_state));
      // A file that asks for as many tasks as before says nothing of a rescale since.
      if (now->checked.parallelism == checked.parallelism) parallelism = now->parallelism;
    }
    upgrade.parallelism = WEIR_TRY(body.Number("parallelism", parallelism));
    upgrade.policy = std::move(checked.policy);
    return Asked{job, std::move(upgrade)};
  }

  struct Current {
    CheckedJob checked;
    uint32_t parallelism = 1;
  };
  /// What a job runs now. None of one that has never begun, which keeps nothing; of an unknown one,
  /// which the core refuses; and where its text needs a connection that is gone: then the attempt
  /// compares with what is kept.
  std::optional<Current> CurrentOf(const std::string& job) const {
    std::shared_ptr<const std::string> text;
    uint32_t parallelism = 0;
    service_.Look([&](const manager::Core& core, Duration) {
      const auto known = core.jobs().find(job);
      if (known == core.jobs().end() || known->second.record.attempts == 0) return;
      text = known->second.record.text.yaml;
      parallelism = known->second.record.parallelism;
    });
    if (!text) return std::nullopt;
    Result<CheckedJob> checked = check_(*text);
    if (!checked.ok()) return std::nullopt;
    return Current{std::move(checked).value(), parallelism};
  }

  Result<Asked> AskedToRestart(const Request& request, const std::string& job) const {
    const Body body =
        WEIR_TRY(Body::Of(request, {"rewind", "take_over", "fresh", "drop_state", "from"}));
    return Asked{job, manager::commands::Restart{job, WEIR_TRY(body.Choices()), RandomId()}};
  }

  Result<Asked> AskedToResolve(const Request& request, const std::string& job) const {
    const Body body = WEIR_TRY(Body::Of(request, {"sink", "choice"}));
    const std::string choice = WEIR_TRY(body.Text("choice"));
    if (choice != "drop" && choice != "dead_letter") {
      return Status(errors::kBadRequest, "'choice' is to be drop or dead_letter");
    }
    manager::commands::RunErrand wanted{job, {}};
    wanted.errand.kind = manager::Errand::Kind::kResolve;
    wanted.errand.sink = WEIR_TRY(body.Text("sink"));
    wanted.errand.drop = choice == "drop";
    return Asked{job, std::move(wanted)};
  }

  Result<Asked> AskedToRemoveSavepoint(const Request& request, const std::string& job) const {
    const Body body = WEIR_TRY(Body::Of(request, {"savepoint"}));
    manager::commands::RunErrand wanted{job, {}};
    wanted.errand.kind = manager::Errand::Kind::kRemoveSavepoint;
    wanted.errand.savepoint = WEIR_TRY(body.Checkpoint("savepoint"));
    if (wanted.errand.savepoint == 0) {
      return Status(errors::kBadRequest, "'savepoint' is to be the number of a savepoint");
    }
    return Asked{job, std::move(wanted)};
  }

  /// What a worker finds at the job's checkpoints; nothing changes by it.
  Result<Json> LookUp(const HttpCall& call, manager::Errand errand) {
    const std::string& job = call.names[0];
    const manager::Service::Answer answer =
        service_.Do(call.caller.name, call.caller.from,
                    manager::commands::RunErrand{job, std::move(errand)}, kLongPatience);
    WEIR_TRY(Status(answer.status));
    return Json::parse(answer.told, nullptr, /*allow_exceptions=*/false);
  }

  Result<Json> Do(const HttpCall& call, const char* what, const std::string& job,
                  Result<Asked> asked, Duration wait = kPatience) {
    if (!asked.ok()) {
      TellRefused(call, what, job, {}, asked.status());
      return std::move(asked).status();
    }
    const manager::Service::Answer answer =
        service_.Do(call.caller.name, call.caller.from, std::move(asked->command), wait);
    WEIR_TRY(Outcome(call, what, job, {}, answer.status));
    if (!answer.told.empty()) return Json::parse(answer.told, nullptr, /*allow_exceptions=*/false);
    Json json = {{"job", job}};
    if (answer.savepoint > 0) {
      json["savepoint"] = answer.savepoint;
      json["location"] = answer.location;
    }
    return json;
  }

  Result<Json> ChangeWorker(const HttpCall& call, const char* what, manager::Command command) {
    const std::string& worker = call.names[0];
    const manager::Service::Answer answer =
        service_.Do(call.caller.name, call.caller.from, std::move(command), kPatience);
    WEIR_TRY(Outcome(call, what, {}, worker, answer.status));
    return Json{{"worker", worker}};
  }

  /// What the core decided; its line in the audit log is durable when this returns.
  Status Outcome(const HttpCall& call, const char* what, const std::string& job,
                 const std::string& worker, const Status& status) {
    if (status.Is(errors::kNotLeading)) TellRefused(call, what, job, worker, status);
    audit_.Flush();
    return status;
  }

  /// What the core is never asked, it does not tell of.
  void TellRefused(const HttpCall& call, const char* what, const std::string& job,
                   const std::string& worker, const Status& status) {
    TellAudit(call, what, job, worker, status.code().id);
  }

  void TellAudit(const HttpCall& call, const char* what, const std::string& job,
                 const std::string& worker, std::string_view result) {
    AuditEntry entry;
    entry.who = call.caller.name;
    entry.from = call.caller.from;
    entry.what = what;
    entry.job = job;
    entry.worker = worker;
    entry.result = result;
    audit_.Write(std::move(entry));
    audit_.Flush();
  }

  manager::Service& service_;
  AuditLog& audit_;
  const std::function<Result<CheckedJob>(const std::string&)> check_;
};

/// Answers with what a function of the API gives, or with its error; that of a manager that does
/// not lead is that it does not.
template <typename Function>
auto Answering(std::shared_ptr<Api> api, const manager::Service& service, Function function) {
  return [api = std::move(api), &service, function](const HttpCall& call, Response& response) {
    const Status leads = service.Leads();
    Answer(response, leads.ok() ? std::invoke(function, *api, call) : Result<Json>(leads));
  };
}

/// All that is served, and who may.
std::vector<HttpRoute> Routes(const std::shared_ptr<Api>& api, manager::Service& service,
                              const std::shared_ptr<Refusals>& refusals) {
  const auto does = [&](auto function) { return Answering(api, service, function); };
  const auto ready = [&service](const HttpCall&, Response& response) {
    bool leading = false;
    service.Look([&](const manager::Core& core, Duration) { leading = core.leading(); });
    if (!leading) response.status = 503;
    response.set_content(leading ? "leading\n" : "not leading\n", "text/plain");
  };
  const auto metrics = [&service, refusals](const HttpCall&, Response& response) {
    response.set_content(MetricsOf(service, *refusals), MetricsText::kContentType);
  };
  std::vector<HttpRoute> routes = {
      // What needs no token: whether it works. So does the page, below.
      {"GET", "/healthz", Access::kPublic, AnswerHealthy},
      {"GET", "/readyz", Access::kPublic, ready},

      {"GET", "/metrics", Access::kView, metrics},
      {"GET", "/api/v1/jobs", Access::kView, does(&Api::Jobs)},
      {"GET", "/api/v1/jobs/{job}", Access::kView, does(&Api::Job)},
      {"GET", "/api/v1/jobs/{job}/why", Access::kView, does(&Api::Why)},
      {"GET", "/api/v1/jobs/{job}/logs", Access::kView, does(&Api::Logs)},
      {"GET", "/api/v1/jobs/{job}/checkpoints", Access::kView, does(&Api::Checkpoints)},
      {"GET", "/api/v1/jobs/{job}/txn", Access::kView, does(&Api::Waiting)},
      {"GET", "/api/v1/workers", Access::kView, does(&Api::Workers)},

      {"POST", "/api/v1/jobs/{job}/stop", Access::kOperate, does(&Api::Stop)},
      {"POST", "/api/v1/jobs/{job}/savepoint", Access::kOperate, does(&Api::Savepoint)},
      {"POST", "/api/v1/jobs/{job}/rescale", Access::kOperate, does(&Api::Rescale)},
      {"POST", "/api/v1/jobs/{job}/restart", Access::kOperate, does(&Api::Restart)},
      // It changes nothing, and reads every byte there is: a worker's time, and a bucket's price.
      {"POST", "/api/v1/jobs/{job}/checkpoints/verify", Access::kOperate, does(&Api::Verify)},
      {"POST", "/api/v1/workers/{worker}/drain", Access::kOperate, does(&Api::Drain)},
      {"POST", "/api/v1/workers/{worker}/undrain", Access::kOperate, does(&Api::Undrain)},

      {"POST", "/api/v1/jobs", Access::kAdmin, does(&Api::Submit)},
      {"POST", "/api/v1/jobs/{job}/upgrade", Access::kAdmin, does(&Api::Upgrade)},
      {"POST", "/api/v1/jobs/{job}/cancel", Access::kAdmin, does(&Api::Cancel)},
      // It holds the texts of all jobs.
      {"GET", "/api/v1/backup", Access::kAdmin, does(&Api::Backup)},
      // Results may be given up for good.
      // Nobody else keeps it.
      {"POST", "/api/v1/jobs/{job}/checkpoints/remove", Access::kAdmin,
       does(&Api::RemoveSavepoint)},
      {"POST", "/api/v1/jobs/{job}/txn/resolve", Access::kAdmin, does(&Api::Resolve)},
      {"POST", "/api/v1/jobs/{job}/remove", Access::kAdmin, does(&Api::Remove)},
  };
  for (HttpRoute& route : PageRoutes()) routes.push_back(std::move(route));
  return routes;
}

}  // namespace

std::string MetricsOf(const manager::Service& service, const Refusals& refusals) {
  MetricsText text;
  service.Look([&](const manager::Core& core, Duration now) { text.AddManager(core, now); });
  text.AddRefusals(refusals);
  return text.Render();
}

Result<std::unique_ptr<HttpServer>> ServeManager(
    HttpServerOptions options, manager::Service& service, AuditLog& audit,
    const std::function<Result<CheckedJob>(const std::string& text)>& check) {
  const auto api = std::make_shared<Api>(service, audit, check);
  std::vector<HttpRoute> routes = Routes(api, service, options.refusals);
  return HttpServer::Start(std::move(options), std::move(routes));
}

}  // namespace weir
