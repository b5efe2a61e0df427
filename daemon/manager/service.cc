#include "daemon/manager/service.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/session_wire.h"

namespace weir::manager {
namespace {

constexpr Duration kLongestWait = Duration::Millis(250);
constexpr Duration kShutdownPatience = Duration::Seconds(1);
constexpr size_t kLinesKept = 500;  // Of each job.

}  // namespace

Service::Service(ServiceOptions options, ManagerStore& store, const Clock& clock)
    : options_(std::move(options)), store_(store), clock_(clock), core_(options_.core) {}

Result<std::unique_ptr<Service>> Service::Start(ServiceOptions options, ManagerStore& store,
                                                const Clock& clock) {
  std::unique_ptr<Service> service(new Service(std::move(options), store, clock));
  WEIR_TRY(service->Listen());
  service->thread_ = std::thread([&self = *service] { self.Run(); });
  service->lead_thread_ = std::thread([&self = *service] { self.LeadAndLoad(); });
  return service;
}

Status Service::Listen() {
  session_service_ = MakeSessionService([this](auto sender) { return Accept(std::move(sender)); });
  RpcService* const services[] = {session_service_.get()};
  server_ = WEIR_TRY(RpcServer::Start(options_.listen, options_.transport, services));
  return Status::Ok();
}

Service::~Service() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    sessions_.clear();
  }
  wake_.notify_all();
  if (server_) server_->Shutdown(kShutdownPatience);
  store_.GiveUp();
  if (thread_.joinable()) thread_.join();
  if (lead_thread_.joinable()) lead_thread_.join();
  for (auto& [id, answer] : requests_) {
    answer.set_value(
        {Status(errors::kManagerEnds, "the manager is being stopped", "ask again when it is back"),
         0});
  }
}

void Service::LeadAndLoad() {
  Result<Leadership> leadership = store_.Lead(*this);
  const auto load = [&] {
    return leadership.ok() ? store_.Load() : Result<StoredRecords>(leadership.status());
  };
  Result<StoredRecords> records = load();
  while (!records.ok()) {
    {
      std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    if (store_.ElectsAgain() && records.status().kind() == ErrorKind::kRetry) {
      // It went away just after the election; the next one waits until it is back.
      leadership = store_.Lead(*this);
      records = load();
      continue;
    }
    log::Error("the manager can't lead", {{"reason", records.status().ToString()}});
    if (options_.on_over) options_.on_over(records.status());
    return;
  }
  facts::Elected elected;
  elected.term = leadership->term;
  elected.lease_until = leadership->lease_until;
  elected.jobs = std::move(records->jobs);
  elected.workers = std::move(records->workers);
  elected.retired = std::move(records->retired);
  log::Info("this manager leads", {{"term", elected.term}, {"jobs", elected.jobs.size()}});
  Post(std::move(elected));
}

void Service::OnRenewed(Duration until) { Post(facts::LeaseRenewed{until}); }
void Service::OnLost(const std::string& reason) { Post(facts::Deposed{reason}); }

void Service::Post(Fact fact) {
  {
    std::lock_guard lock(mutex_);
    facts_.push_back(std::move(fact));
  }
  wake_.notify_all();
}

void Service::Run() {
  while (true) {
    turns_++;
    std::deque<Fact> facts;
    {
      Duration deadline;
      {
        std::lock_guard core_lock(core_mutex_);
        deadline = core_.NextDeadline();
      }
      const int64_t wait_us =
          std::clamp<int64_t>(deadline.us - clock_.Monotonic().us, 0, kLongestWait.us);
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::microseconds(wait_us),
                     [this] { return ending_ || !facts_.empty(); });
      if (ending_) return;
      facts.swap(facts_);
    }
    facts.push_back(facts::Tick{});
    for (Fact& fact : facts) {
      std::vector<Action> actions;
      bool over = false;
      {
        std::lock_guard lock(core_mutex_);
        const bool led = core_.leading();
        actions = core_.On(std::move(fact), TimeNow());
        over = led && !core_.leading();
      }
      for (Action& action : actions) Carry(std::move(action));
      if (over) LeadsNoMore();
    }
  }
}

/// Nothing that was asked or said under the lost term goes on: workers dial again, users ask again.
void Service::LeadsNoMore() {
  std::map<RequestId, std::promise<Answer>> unanswered;
  {
    std::lock_guard lock(mutex_);
    unanswered.swap(requests_);
    for (const auto& [id, session] : sessions_) session->Close();
  }
  for (auto& [id, answer] : unanswered) {
    answer.set_value(
        {Status(errors::kNoAnswer, "this manager leads no more; what was asked may still be done",
                "look with 'weir status' at the manager that leads"),
         0});
  }
  if (store_.ElectsAgain()) {
    log::Warn("this manager leads no more; it stands by", {{"term", core_.term()}});
    if (lead_thread_.joinable()) lead_thread_.join();
    lead_thread_ = std::thread([this] { LeadAndLoad(); });
  } else if (options_.on_over) {
    options_.on_over(Status(
        errors::kOldTerm,
        fmt::format("this manager, of term {}, leads no more: workers have followed one of a "
                    "later term",
                    core_.term()),
        "where no other manager runs, this one's job store is older than its cluster: restore "
        "the newest backup, or restart the workers"));
  }
}

void Service::Carry(Action action) {
  if (auto* store = std::get_if<actions::Store>(&action)) {
    uint64_t term = 0;
    {
      std::lock_guard lock(core_mutex_);
      term = core_.term();
    }
    store_.Put(term, std::move(store->jobs), std::move(store->workers),
               [this, write = store->write](Status status) {
                 if (status.ok()) return Post(facts::Stored{write});
                 if (status.Is(errors::kOldTerm)) return Post(facts::Deposed{status.message()});
                 Post(facts::StoreFailed{write, std::move(status)});
               });
  } else if (const auto* tell = std::get_if<actions::Tell>(&action)) {
    std::lock_guard lock(mutex_);
    const auto session = sessions_.find(tell->session);
    if (session == sessions_.end()) return;
    session->second->Send(MessageOf(tell->term, tell->message));
    if (std::holds_alternative<tell::Refuse>(tell->message)) session->second->Close();
  } else if (const auto* close = std::get_if<actions::CloseSession>(&action)) {
    std::lock_guard lock(mutex_);
    const auto session = sessions_.find(close->session);
    if (session == sessions_.end()) return;
    if (!close->reason.empty()) log::Info("session is closed", {{"reason", close->reason}});
    session->second->Close();
  } else if (auto* reply = std::get_if<actions::Reply>(&action)) {
    std::promise<Answer> answer;
    {
      std::lock_guard lock(mutex_);
      const auto request = requests_.find(reply->request);
      if (request == requests_.end()) return;
      answer = std::move(request->second);
      requests_.erase(request);
    }
    answer.set_value({std::move(reply->status), reply->savepoint, std::move(reply->location),
                      std::move(reply->told)});
  } else if (const auto* audit = std::get_if<actions::Audit>(&action)) {
    if (options_.on_audit) options_.on_audit(*audit);
  } else if (const auto* forget = std::get_if<actions::Forget>(&action)) {
    std::lock_guard lock(mutex_);
    details_.erase(forget->job);
    lines_.erase(forget->job);
  } else if (const auto* line = std::get_if<actions::Log>(&action)) {
    std::vector<log::Field> fields;
    for (const auto& [name, value] : line->fields) fields.emplace_back(name, value);
    using Level = actions::Log::Level;
    log::Write(line->level == Level::kError  ? log::Level::kError
               : line->level == Level::kWarn ? log::Level::kWarn
                                             : log::Level::kInfo,
               line->message, fields);
  }
}

Service::Answer Service::Do(const std::string& user, const std::string& from, Command command,
                            Duration wait) {
  if (Status leads = Leads(); !leads.ok()) return {std::move(leads), 0};
  const std::string* text = nullptr;
  if (const auto* submit = std::get_if<commands::Submit>(&command)) text = submit->yaml.get();
  if (const auto* upgrade = std::get_if<commands::Upgrade>(&command)) text = upgrade->yaml.get();
  if (text != nullptr && text->size() > store_.most_text_bytes()) {
    return {Status(errors::kTextTooLong,
                   fmt::format("the job's text has {} bytes, and the job store takes {}",
                               text->size(), store_.most_text_bytes()),
                   "shorten it"),
            0};
  }
  std::future<Answer> answer;
  RequestId request;
  {
    std::lock_guard lock(mutex_);
    request = {++last_request_};
    answer = requests_[request].get_future();
    facts_.push_back(facts::Asked{request, user, std::move(command), from});
  }
  wake_.notify_all();
  if (answer.wait_for(wait.ToChrono()) == std::future_status::ready) return answer.get();
  {
    std::lock_guard lock(mutex_);
    if (requests_.erase(request) > 0) {
      return {Status(errors::kNoAnswer,
                     fmt::format("no answer after {} s; it may still be done", wait.us / 1'000'000),
                     "look with 'weir status'; the manager's log says what it waits for"),
              0};
    }
  }
  return answer.get();
}

Result<std::string> Service::Backup() const {
  WEIR_TRY(Leads());
  return store_.Backup();
}

Status Service::Leads() const {
  std::lock_guard lock(core_mutex_);
  if (core_.leading()) return Status::Ok();
  return Status(errors::kNotLeading, "this manager does not lead, or not yet",
                "ask the one that leads, or again");
}

void Service::Look(const std::function<void(const Core&, Duration now)>& look) const {
  std::lock_guard lock(core_mutex_);
  look(core_, clock_.Monotonic());
}

std::string Service::DetailsOf(const std::string& job) const {
  std::lock_guard lock(mutex_);
  const auto details = details_.find(job);
  return details == details_.end() ? std::string() : details->second;
}

std::vector<Service::JobLine> Service::LinesOf(const std::string& job, uint64_t after,
                                               size_t most) const {
  std::lock_guard lock(mutex_);
  const auto lines = lines_.find(job);
  if (lines == lines_.end()) return {};
  const std::deque<JobLine>& kept = lines->second.kept;
  auto first = std::find_if(kept.begin(), kept.end(),
                            [&](const JobLine& line) { return line.number > after; });
  if (static_cast<size_t>(kept.end() - first) > most) {
    first = kept.end() - static_cast<std::ptrdiff_t>(most);
  }
  return {first, kept.end()};
}

void Service::Keep(SessionId session, proto::JobLines told) {
  {
    // Of jobs that there are: a session can't make the manager keep what it likes.
    std::lock_guard lock(core_mutex_);
    if (!core_.jobs().contains(told.job())) return;
  }
  std::lock_guard lock(mutex_);
  Lines& lines = lines_[told.job()];
  const std::string& worker = worker_of_[session];
  const auto keep = [&](std::string line) {
    lines.kept.push_back({++lines.last, worker, std::move(line)});
    if (lines.kept.size() > kLinesKept) lines.kept.pop_front();
  };
  if (told.left_out() > 0) {
    keep(fmt::format("({} lines were left out here: they came faster than they could be told)",
                     told.left_out()));
  }
  for (std::string& line : *told.mutable_lines()) keep(std::move(line));
}

MessageHandler<proto::ToManager> Service::Accept(
    std::shared_ptr<MessageSender<proto::ToWorker>> sender) {
  SessionId session;
  {
    std::lock_guard lock(mutex_);
    session = {++last_session_};
    if (!ending_) sessions_[session] = std::move(sender);
  }
  return {[this, session](proto::ToManager message) { OnMessage(session, std::move(message)); },
          [this, session](const Status&) {
            {
              std::lock_guard lock(mutex_);
              sessions_.erase(session);
              worker_of_.erase(session);
            }
            Post(facts::SessionBroken{session});
          }};
}

void Service::OnMessage(SessionId session, proto::ToManager message) {
  switch (message.what_case()) {
    case proto::ToManager::kHello: {
      std::lock_guard lock(mutex_);
      worker_of_[session] = message.hello().id();
    }
      Post(facts::SessionOpened{session, HelloOf(std::move(*message.mutable_hello()))});
      break;
    case proto::ToManager::kHeartbeat:
      Post(facts::Heartbeat{session, StandingOf(message.heartbeat())});
      break;
    case proto::ToManager::kReport: {
      proto::Report& report = *message.mutable_report();
      {
        std::lock_guard lock(mutex_);
        details_[report.attempt().job()] = std::move(*report.mutable_details());
      }
      Post(facts::AttemptReported{session, report.attempt().job(), AttemptOf(report.attempt()),
                                  ReportOf(report)});
      break;
    }
    case proto::ToManager::kEnded:
      Post(facts::AttemptEnded{session, message.ended().attempt().job(),
                               AttemptOf(message.ended().attempt()),
                               OutcomeOf(message.ended().outcome())});
      break;
    case proto::ToManager::kLines:
      Keep(session, std::move(*message.mutable_lines()));
      break;
    case proto::ToManager::kErrandDone:
      Post(ErrandDoneOf(session, std::move(*message.mutable_errand_done())));
      break;
    case proto::ToManager::kDrainAsked:
      Post(facts::DrainAsked{session});
      break;
    case proto::ToManager::WHAT_NOT_SET:
      break;
  }
}

}  // namespace weir::manager
