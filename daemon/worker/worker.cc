#include "daemon/worker/worker.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/ids.h"
#include "base/log.h"
#include "daemon/manager/session_wire.h"
#include "daemon/rpc/wire.h"
#include "daemon/worker/errors.h"

namespace weir {
namespace {

constexpr Duration kBeatEvery = Duration::Millis(500);
constexpr Duration kDialAgain = Duration::Millis(200);
constexpr Duration kShutdownPatience = Duration::Seconds(2);

}  // namespace

Worker::Worker(WorkerOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      incarnation_(RandomId()),
      round_(options_.managers, kDialAgain) {}

Result<std::unique_ptr<Worker>> Worker::Start(WorkerOptions options, const Clock& clock) {
  std::unique_ptr<Worker> worker(new Worker(std::move(options), clock));
  worker->lock_ = WEIR_TRY(DirectoryLock::Take(
      worker->options_.state_dir, "stop it, or give this worker another state directory"));
  WEIR_TRY(worker->Listen());
  log::ListenToJobs([&lines = worker->lines_](const std::string& job, std::string line) {
    lines.Add(job, std::move(line));
  });
  worker->thread_ = std::thread([&self = *worker] { self.Run(); });
  return worker;
}

Status Worker::Listen() {
  const auto broken = [this](const ChannelId& id, const Status& reason) {
    broken_++;
    registry_.Break(id.job, id.attempt, reason, id.channel);
  };
  ExchangeServer::Options server;
  server.on_broken = broken;
  server.on_newer = [this](const std::string& job, AttemptId attempt) {
    registry_.Saw(job, attempt);
  };
  exchange_server_ = std::make_unique<ExchangeServer>(std::move(server));
  ExchangeClient::Options client;
  client.on_broken = broken;
  exchange_client_ = std::make_unique<ExchangeClient>(options_.transport, std::move(client));
  host_service_ = MakeHostService([this](auto sender) { return AcceptHost(std::move(sender)); });

  services_.id = options_.id;
  services_.state_dir = options_.state_dir;
  services_.memory_per_slot = options_.memory_bytes / std::max<uint32_t>(options_.slots, 1);
  services_.programs = options_.programs;
  services_.clock = &clock_;
  services_.registry = &registry_;
  services_.client = exchange_client_.get();
  services_.server = exchange_server_.get();
  services_.transport = options_.transport;
  services_.plan = options_.plan;
  services_.open_store = options_.open_store;
  services_.open_savepoint = options_.open_savepoint;
  errands_ = std::make_unique<Errands>(services_, [this](proto::ErrandDone done) {
    proto::ToManager message;
    *message.mutable_errand_done() = std::move(done);
    Send(std::move(message));
  });

  RpcService* const services[] = {exchange_server_.get(), host_service_.get()};
  server_ = WEIR_TRY(RpcServer::Start(options_.listen, options_.transport, services));
  address_ = options_.advertise.empty() ? server_->address() : options_.advertise;
  return Status::Ok();
}

Worker::~Worker() {
  std::shared_ptr<MessageSender<proto::ToManager>> session;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    session = session_;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (session) {
    session->Close();
    // Its handler calls this worker until it has ended.
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return session_over_; });
  }
  errands_.reset();
  led_.clear();
  if (server_) server_->Shutdown(kShutdownPatience);
  hosted_.clear();
  log::ListenToJobs(nullptr);
}

bool Worker::connected() const {
  std::lock_guard lock(mutex_);
  return welcome_;
}

WorkerStatus Worker::status() const {
  WorkerStatus status;
  status.slots = options_.slots;
  status.hosted = registry_.Hosted().size();
  status.sent = exchange_client_->counts();
  status.received = exchange_server_->counts();
  status.broken = broken_;
  std::lock_guard lock(mutex_);
  status.connected = welcome_;
  status.sessions = sessions_;
  status.refusals = refusals_counted_;
  status.led = static_cast<uint64_t>(
      std::count_if(led_.begin(), led_.end(), [](const auto& led) { return !led->over(); }));
  return status;
}

void Worker::LookAtJobs(const std::function<void(const JobPlan&, const JobProgress&)>& look) const {
  std::list<std::shared_ptr<LedAttempt>> led;
  {
    std::lock_guard lock(mutex_);
    led = led_;
  }
  for (const auto& attempt : led) attempt->Look(look);
}

void Worker::LookAtParts(const std::function<void(const JobPlan&)>& look) const {
  std::list<std::shared_ptr<HostStream>> hosted;
  {
    std::lock_guard lock(mutex_);
    hosted = hosted_;
  }
  for (const auto& stream : hosted) stream->Look(look);
}

Status Worker::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

void Worker::Drain(const std::function<bool()>& give_up) {
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
  }
  proto::ToManager message;
  message.mutable_drain_asked();
  Send(std::move(message));
  while (!give_up()) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::chrono::milliseconds(50), [this] { return drained_; })) return;
  }
}

void Worker::Send(proto::ToManager message) {
  std::shared_ptr<MessageSender<proto::ToManager>> session;
  {
    std::lock_guard lock(mutex_);
    session = session_;
  }
  if (session) session->Send(std::move(message));
}

/// The worker's one thread: dials, carries out what the manager says, tells how it stands.
void Worker::Run() {
  Duration beat_at;
  Duration dial_at;
  while (true) {
    turns_++;
    std::deque<proto::ToWorker> messages;
    bool over = false;
    bool beat = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(50),
                     [this] { return ending_ || beat_now_ || !messages_.empty(); });
      if (ending_) return;
      messages.swap(messages_);
      over = session_over_;
      beat = std::exchange(beat_now_, false);
    }
    for (proto::ToWorker& message : messages) Handle(message);
    Reap();
    // What the manager waits for, it is told at once.
    std::string phases;
    for (const auto& led : led_) phases += std::to_string(led->Standing().phase());
    beat = beat || phases != phases_;
    phases_ = std::move(phases);
    if (!over) SendLines();
    const Duration now = clock_.Monotonic();
    if (over && now >= dial_at) {
      if (KnowsStore()) Dial();
      dial_at = {now.us + round_.pause().us};
      beat_at = {now.us + kBeatEvery.us};
    } else if (!over && (beat || now >= beat_at)) {
      beat_at = {now.us + kBeatEvery.us};
      Heartbeat();
    }
  }
}

/// Without it nobody could say whether this worker may have tasks of a job.
bool Worker::KnowsStore() {
  if (!store_.empty()) return true;
  Result<std::string> id = options_.identify_store();
  if (id.ok()) {
    store_ = std::move(id).value();
    return true;
  }
  Status reason = std::move(id).status();
  if (reason.kind() != ErrorKind::kRetry) {
    {
      std::lock_guard lock(mutex_);
      refused_ = std::move(reason);
    }
    if (options_.on_refused) options_.on_refused();
  } else if (!std::exchange(told_storeless_, true)) {
    log::Warn("waiting for the checkpoint store", {{"reason", reason.ToString()}});
  }
  return false;
}

void Worker::Dial() {
  uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    number = ++session_number_;
    session_over_ = false;
    welcome_ = false;
  }
  std::shared_ptr<MessageSender<proto::ToManager>> session = DialManager(
      round_.Next(), options_.transport,
      {[this, number](proto::ToWorker message) { OnMessage(number, std::move(message)); },
       [this, number](const Status& status) { OnEnd(number, status); }});
  session->Send(Hello());
  {
    std::lock_guard lock(mutex_);
    session_.swap(session);
  }
}

void Worker::OnMessage(uint64_t session, proto::ToWorker message) {
  {
    std::lock_guard lock(mutex_);
    if (session != session_number_) return;
    // What carries a lower term than was ever seen comes from a manager that is none any more.
    if (message.term() < highest_term_ && !WEIR_MUTANT("lower_term_accepted")) return;
    highest_term_ = message.term();
    messages_.push_back(std::move(message));
  }
  wake_.notify_all();
}

void Worker::OnEnd(uint64_t session, const Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (session != session_number_) return;
    if (welcome_) {
      log::Warn("the session with the manager has ended; what runs goes on",
                {{"reason", status.ok() ? "the manager ended it" : status.message()}});
    } else if (!status.ok() && !told_alone_) {
      told_alone_ = true;  // Once, not at each dial.
      log::Warn("no manager takes this worker; it goes on trying", {{"reason", status.message()}});
    }
    session_over_ = true;
    welcome_ = false;
  }
  wake_.notify_all();
}

void Worker::Handle(proto::ToWorker& message) {
  switch (message.what_case()) {
    case proto::ToWorker::kWelcome: {
      round_.Taken();
      std::lock_guard lock(mutex_);
      welcome_ = true;
      told_alone_ = false;
      sessions_++;
      log::Info("session with the manager", {{"term", message.term()}});
      break;
    }
    case proto::ToWorker::kRefuse: {
      const Status reason = FromProto(message.refuse());
      {
        std::lock_guard lock(mutex_);
        refusals_counted_++;
      }
      if (const auto times = refusals_.OnFailure(clock_.Monotonic())) {
        log::Warn("the manager refuses this worker",
                  {{"times", *times}, {"reason", reason.ToString()}});
      }
      if (reason.ok() || reason.kind() == ErrorKind::kRetry) break;
      {
        std::lock_guard lock(mutex_);
        refused_ = reason;
      }
      if (options_.on_refused) options_.on_refused();
      break;
    }
    case proto::ToWorker::kRun: {
      proto::RunAttempt& order = *message.mutable_run();
      const AttemptId attempt = IdOf(order.attempt());
      for (const auto& led : led_) {
        if (led->job() != order.attempt().job()) continue;
        if (led->id() >= attempt) return;  // Told again.
        led->Cancel();
      }
      auto led = std::make_shared<LedAttempt>(services_, std::move(order), [this] {
        {
          std::lock_guard lock(mutex_);
          beat_now_ = true;
        }
        wake_.notify_all();
      });
      std::lock_guard lock(mutex_);
      led_.push_back(std::move(led));
      break;
    }
    case proto::ToWorker::kStop:
      for (const auto& led : led_) {
        if (led->job() != message.stop().attempt().job() ||
            led->id() != IdOf(message.stop().attempt())) {
          continue;
        }
        using Kind = manager::tell::StopAttempt::Kind;
        if (message.stop().kind() == static_cast<uint32_t>(Kind::kSavepointOnly)) {
          led->TakeSavepoint({message.term(), {message.stop().request()}});
        } else if (message.stop().drain()) {
          led->EndInput();
        } else {
          led->Stop();
        }
      }
      break;
    case proto::ToWorker::kCancel: {
      const AttemptId attempt = IdOf(message.cancel());
      for (auto& led : led_) {
        if (led->job() == message.cancel().job() && led->id() == attempt) led->Forget();
      }
      registry_.Break(message.cancel().job(), attempt,
                      Status(errors::kAttemptCancelled, "the manager has cancelled the attempt"));
      break;
    }
    case proto::ToWorker::kErrand:
      errands_->Take(manager::ErrandOf(message.term(), std::move(*message.mutable_errand())));
      break;
    case proto::ToWorker::kDrained: {
      std::lock_guard lock(mutex_);
      drained_ = true;
      break;
    }
    case proto::ToWorker::WHAT_NOT_SET:
      break;
  }
}

/// Destroys what has ended: of led attempts those that the manager has told to forget, or that a
/// later one of the job has taken the place of.
void Worker::Reap() {
  // What goes is destroyed without the mutex.
  std::list<std::shared_ptr<LedAttempt>> ended;
  std::list<std::shared_ptr<HostStream>> over;
  std::lock_guard lock(mutex_);
  for (auto led = led_.begin(); led != led_.end();) {
    const auto next = std::next(led);
    const bool replaced = std::any_of(
        next, led_.end(), [&](const auto& later) { return later->job() == (*led)->job(); });
    if ((*led)->over() && ((*led)->forgotten() || replaced)) ended.splice(ended.end(), led_, led);
    led = next;
  }
  for (auto stream = hosted_.begin(); stream != hosted_.end();) {
    const auto next = std::next(stream);
    if ((*stream)->over()) over.splice(over.end(), hosted_, stream);
    stream = next;
  }
}

proto::Standing Worker::Standing() {
  proto::Standing standing;
  for (const auto& led : led_) {
    if (!led->forgotten()) *standing.add_leads() = led->Standing();
  }
  for (const auto& [job, attempt] : registry_.Hosted()) {
    *standing.add_hosts() = ToProto(job, attempt);
  }
  return standing;
}

proto::ToManager Worker::Hello() {
  proto::ToManager message;
  proto::Hello& hello = *message.mutable_hello();
  hello.set_id(options_.id);
  hello.set_incarnation(incarnation_);
  hello.set_address(address_);
  hello.set_version(options_.version);
  hello.set_slots(options_.slots);
  hello.set_store(store_);
  hello.set_store_url(options_.store_url);
  hello.mutable_labels()->insert(options_.labels.begin(), options_.labels.end());
  *hello.mutable_standing() = Standing();
  std::lock_guard lock(mutex_);
  hello.set_highest_term(highest_term_);
  hello.set_draining(draining_);
  return message;
}

void Worker::Heartbeat() {
  proto::ToManager beat;
  *beat.mutable_heartbeat() = Standing();
  Send(std::move(beat));
  for (const auto& led : led_) {
    std::optional<proto::Report> report = led->Report();
    if (!report) continue;
    proto::ToManager message;
    *message.mutable_report() = std::move(*report);
    Send(std::move(message));
  }
}

/// Lines that come while there is no session wait for the next one.
void Worker::SendLines() {
  if (!connected()) return;
  for (auto& [job, gathered] : lines_.Take()) {
    proto::ToManager message;
    proto::JobLines& lines = *message.mutable_lines();
    lines.set_job(job);
    lines.set_left_out(gathered.left_out);
    for (std::string& line : gathered.lines) lines.add_lines(std::move(line));
    Send(std::move(message));
  }
}

MessageHandler<proto::HostCommand> Worker::AcceptHost(
    std::shared_ptr<MessageSender<proto::HostEvent>> sender) {
  auto stream = std::make_shared<HostStream>(services_, std::move(sender));
  {
    std::lock_guard lock(mutex_);
    hosted_.push_back(stream);
  }
  return {[stream](proto::HostCommand command) { stream->OnCommand(std::move(command)); },
          [stream](const Status&) { stream->OnEnd(); }};
}

}  // namespace weir
