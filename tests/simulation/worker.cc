#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/errors.h"
#include "tests/simulation/processes.h"

namespace weir::simulation {

using manager::AttemptOutcome;
using manager::AttemptPhase;
namespace facts = manager::facts;
namespace tell = manager::tell;

constexpr int64_t kBeatEvery_us = 500 * kMs;
constexpr int64_t kGiveUpAfter_us = 5 * kSecond;

SimWorker::SimWorker(World& world, std::string worker_id, uint32_t slots, std::string version)
    : world_(world), id_(std::move(worker_id)), slots_(slots), version_(std::move(version)) {}

void SimWorker::Start() {
  alive = true;
  life++;
  paused_until_us = 0;
  incarnation_ = fmt::format("{}.{}", name, life);
  session_ = 0;
  manager_ = nullptr;
  highest_term_ = 0;
  dial_at_us_ = world_.now_us();
  Loop(life);
}

void SimWorker::Kill() {
  const uint64_t was = life;
  alive = false;
  life++;
  leads_.clear();
  hosts_.clear();
  newest_.clear();
  session_ = 0;
  for (const auto& manager : world_.managers) manager->WorkerGone(*this, was);
  for (const auto& peer : world_.workers) {
    if (peer.get() == this || world_.network->IsCut(name, peer->name)) continue;
    world_.In(*peer, world_.random.Between(kMs, 5 * kMs),
              [this, to = peer.get()] { to->PeerGone(*this); });
  }
}

void SimWorker::Pause(int64_t for_us) { paused_until_us = world_.now_us() + for_us; }

bool SimWorker::Leads(const std::string& job, AttemptId attempt) const {
  const auto it = leads_.find(job);
  return it != leads_.end() && it->second.run.attempt == attempt && !it->second.ended;
}

std::map<std::string, AttemptId> SimWorker::Active() const {
  std::map<std::string, AttemptId> active;
  for (const auto& [job, hosted] : hosts_) active[job] = hosted.attempt;
  for (const auto& [job, led] : leads_) {
    if (!led.ended) active[job] = led.run.attempt;
  }
  return active;
}

// ---------------------------------------------------------------------------------------------
// The session

void SimWorker::Loop(uint64_t of_life) {
  if (life != of_life) return;
  world_.In(*this, kBeatEvery_us, [this, of_life] { Loop(of_life); });
  const int64_t now = world_.now_us();
  if (session_ != 0 && now - heard_us_ > kGiveUpAfter_us) GiveUpSession();
  if (session_ == 0) {
    if (now >= dial_at_us_) Dial();
    return;
  }
  world_.network->Send(*this, *manager_, To(*manager_),
                       [this, to = manager_, session = session_, dial = dial_,
                        standing = Standing()] { to->Beat(session, *this, dial, standing); });
  for (const auto& [job, led] : leads_) {
    if (!led.ended) Report(job);
  }
}

void SimWorker::Dial() {
  manager_ = world_.managers[next_manager_++ % world_.managers.size()].get();
  dial_++;
  dial_at_us_ = world_.now_us() + 1500 * kMs;  // Another one, if this is not answered.
  manager::WorkerHello hello;
  hello.id = id_;
  hello.incarnation = incarnation_;
  hello.address = name;
  hello.version = version_;
  hello.slots = slots_;
  hello.highest_term = highest_term_;
  hello.standing = Standing();
  world_.network->Send(*this, *manager_, To(*manager_), [this, to = manager_, dial = dial_, hello] {
    to->Dialled(*this, dial, hello);
  });
}

void SimWorker::GiveUpSession() {
  world_.network->Send(*this, *manager_, To(*manager_),
                       [to = manager_, session = session_] { to->Closed(session); });
  session_ = 0;
  dial_++;
  dial_at_us_ = world_.now_us();
}

void SimWorker::Heard(uint64_t dial) {
  if (dial == dial_) heard_us_ = world_.now_us();
}

void SimWorker::Rejected(uint64_t dial) {
  if (dial != dial_) return;
  session_ = 0;
  dial_++;
  dial_at_us_ = world_.now_us() + world_.random.Between(100 * kMs, 500 * kMs);
}

void SimWorker::SessionBroken(uint64_t dial) {
  if (dial != dial_) return;
  session_ = 0;
  dial_++;
  // At once, or late enough to be lost.
  dial_at_us_ = world_.now_us();
  world_.In(*this, world_.random.Between(5 * kMs, 400 * kMs), [this, was = dial_] {
    if (session_ == 0 && dial_ == was) Dial();
  });
}

manager::WorkerStanding SimWorker::Standing() const {
  manager::WorkerStanding standing;
  for (const auto& [job, led] : leads_) {
    standing.leads.push_back({job, led.run.attempt, led.phase, led.ended});
  }
  for (const auto& [job, hosted] : hosts_) standing.hosts.push_back({job, hosted.attempt});
  return standing;
}

void SimWorker::Say(manager::Fact fact) {
  if (session_ == 0) return;
  world_.network->Send(*this, *manager_, To(*manager_),
                       [to = manager_, fact = std::move(fact)] { to->Told(fact); });
}

void SimWorker::Report(const std::string& job) {
  const Led& led = leads_.at(job);
  manager::AttemptReport report;
  report.phase = led.phase;
  report.checkpoint = led.number;
  report.checkpoints_completed = led.checkpoints;
  report.savepoint = led.savepoint_answer;
  // Busy by name and time, so that jobs scaled by weir go up and down.
  report.busy = (world_.now_us() / (20 * kSecond) + job.size()) % 2 == 0 ? 0.95 : 0.1;
  report.lag_records = 0;
  Say(facts::AttemptReported{{session_}, job, led.run.attempt, report});
}

void SimWorker::Told(uint64_t dial, uint64_t session, uint64_t term,
                     const manager::WorkerMessage& message) {
  if (dial != dial_ || term < highest_term_) return;
  highest_term_ = term;
  heard_us_ = world_.now_us();
  if (std::holds_alternative<tell::Welcome>(message)) {
    session_ = session;
  } else if (std::holds_alternative<tell::Refuse>(message)) {
    Rejected(dial);
  } else if (const auto* run = std::get_if<tell::RunAttempt>(&message)) {
    Run(*run);
  } else if (const auto* stop = std::get_if<tell::StopAttempt>(&message)) {
    Led* led = Find(stop->job, stop->attempt);
    if (!led) return;
    if (stop->kind == tell::StopAttempt::Kind::kSavepointOnly) {
      const manager::SavepointId id{term, stop->request};
      if (!led->savepoint_answer || led->savepoint_answer->id != id) led->savepoint = id;
      return;
    }
    led->stop = true;
    if (led->phase == AttemptPhase::kRunning) led->phase = AttemptPhase::kStopping;
  } else if (const auto* errand = std::get_if<tell::RunErrand>(&message)) {
    DoErrand(*errand);
  } else if (const auto* cancel = std::get_if<tell::CancelAttempt>(&message)) {
    if (const auto it = leads_.find(cancel->job);
        it != leads_.end() && it->second.run.attempt == cancel->attempt) {
      if (!it->second.ended) DropAll(cancel->job, it->second);
      leads_.erase(it);
    }
    Drop(cancel->job, cancel->attempt);
  }
}

/// It reads, and writes some time later behind what it has read.
void SimWorker::DoErrand(const tell::RunErrand& order) {
  facts::ErrandDone done{{session_}, order.id, Status::Ok(), "{}"};
  const ManifestLog& log = world_.logs[order.job];
  const size_t read = log.manifests.size();
  const bool late = read == 0 || log.manifests.back().attempt.number >= order.attempt.number ||
                    log.instance != order.instance;
  world_.In(*this, world_.random.Between(kMs, 600 * kMs),
            [this, order, done, read, late]() mutable {
              if (order.errand.changes()) {
                if (late || !world_.Commit(order.job, read + 1, order.attempt)) {
                  done.status = Status(errors::kDeposed, "a later attempt has written");
                } else {
                  world_.Count("waiting results resolved");
                }
              }
              Say(std::move(done));
            });
}

// ---------------------------------------------------------------------------------------------
// As a lead

SimWorker::Led* SimWorker::Find(const std::string& job, AttemptId attempt) {
  const auto it = leads_.find(job);
  if (it == leads_.end() || it->second.run.attempt != attempt || it->second.ended) return nullptr;
  return &it->second;
}

void SimWorker::Later(const std::string& job, AttemptId attempt, int64_t from_us, int64_t to_us,
                      void (SimWorker::*step)(const std::string&, Led&)) {
  world_.In(*this, world_.random.Between(from_us, to_us), [this, job, attempt, step] {
    if (Led* led = Find(job, attempt)) (this->*step)(job, *led);
  });
}

void SimWorker::Run(const tell::RunAttempt& run) {
  AttemptId& newest = newest_[run.job];
  if (run.attempt <= newest) return;
  newest = run.attempt;
  if (const auto it = leads_.find(run.job); it != leads_.end()) {
    if (!it->second.ended) DropAll(run.job, it->second);
    leads_.erase(it);
  }
  hosts_.erase(run.job);
  Led& led = leads_[run.job];
  led.run = run;
  if (run.job == "bounded") led.bounded_after = 4;
  Later(run.job, run.attempt, kMs, 40 * kMs, &SimWorker::Recover);
}

void SimWorker::Recover(const std::string& job, Led& led) {
  ManifestLog& log = world_.logs[job];
  if (!log.manifests.empty() && log.manifests.back().attempt > led.run.attempt) {
    return Fail(job, led, errors::kDeposed.id.data(), ErrorKind::kFailed);
  }
  if (!world_.quiet && world_.random.Chance(0.1)) {
    switch (world_.random.Below(4)) {
      case 0:
        return Fail(job, led, "WEIR-E004", ErrorKind::kDecision);
      case 1:
        return Fail(job, led, "WEIR-E006", ErrorKind::kFailed);
      default:
        return Fail(job, led, "WEIR-K001", ErrorKind::kRetry);
    }
  }
  led.number = log.manifests.size();
  Later(job, led.run.attempt, kMs, 30 * kMs, &SimWorker::Claim);
}

void SimWorker::Claim(const std::string& job, Led& led) {
  if (!world_.Commit(job, ++led.number, led.run.attempt)) {
    return Fail(job, led, errors::kDeposed.id.data(), ErrorKind::kFailed);
  }
  ManifestLog& log = world_.logs[job];
  if (log.instance != led.run.instance) {
    // Another instance is to begin anew; only by choice.
    if (!log.instance.empty() && !led.run.choices.fresh) {
      world_.Violate("job " + job + " has another instance id, and nobody chose that");
      return;
    }
    log.instance = led.run.instance;
    log.ended = false;
  }
  Later(job, led.run.attempt, kMs, 30 * kMs, &SimWorker::FenceLanes);
}

void SimWorker::FenceLanes(const std::string& job, Led& led) {
  // Not if a newer attempt has claimed meanwhile.
  if (world_.logs[job].manifests.size() != led.number) {
    return Fail(job, led, errors::kDeposed.id.data(), ErrorKind::kFailed);
  }
  uint32_t highest = 0;
  for (const auto& [sink, lane] : led.run.highest_lane) highest = std::max(highest, lane);
  world_.Fence(job, highest, led.run.attempt);
  if (world_.logs[job].ended) {
    AttemptOutcome done;
    done.kind = AttemptOutcome::Kind::kDone;
    return End(job, led, done);
  }
  Later(job, led.run.attempt, kMs, 30 * kMs, &SimWorker::WriteOwn);
}

void SimWorker::WriteOwn(const std::string& job, Led& led) {
  if (!world_.Commit(job, ++led.number, led.run.attempt)) {
    return Fail(job, led, errors::kDeposed.id.data(), ErrorKind::kFailed);
  }
  if (led.stop) {
    AttemptOutcome stopped;
    stopped.kind = AttemptOutcome::Kind::kStopped;
    return End(job, led, stopped);
  }
  DeployAll(job, led);
}

void SimWorker::DeployAll(const std::string& job, Led& led) {
  const auto& workers = led.run.placement.workers;
  hosts_[job] = {led.run.attempt, 0, this};
  for (uint32_t lane = 1; lane < workers.size(); lane++) {
    SimWorker* host = world_.WorkerAt(workers[lane].address);
    if (!host) continue;
    led.hosts[host] = false;
    world_.network->Send(*this, *host, To(*host),
                         [host, job, attempt = led.run.attempt, lane, lead = this, of = life] {
                           host->Deploy(job, attempt, lane, *lead, of);
                         });
  }
  if (led.hosts.empty()) return Flow(job, led);
  Later(job, led.run.attempt, 2 * kSecond, 2 * kSecond, &SimWorker::NotAllReady);
}

void SimWorker::Ready(const std::string& job, AttemptId attempt, SimWorker& host, bool taken) {
  Led* led = Find(job, attempt);
  if (!led || led->phase != AttemptPhase::kRecovering) return;
  if (!taken) return Fail(job, *led, "WEIR-M020", ErrorKind::kRetry);
  led->hosts[&host] = true;
  const bool all = std::all_of(led->hosts.begin(), led->hosts.end(),
                               [](const auto& entry) { return entry.second; });
  if (all) Flow(job, *led);
}

void SimWorker::NotAllReady(const std::string& job, Led& led) {
  if (led.phase == AttemptPhase::kRecovering) NotAllAcked(job, led);
}

void SimWorker::NotAllAcked(const std::string& job, Led& led) {
  AttemptOutcome outcome;
  outcome.failure = {"WEIR-M020", ErrorKind::kRetry, "a worker can't be reached", ""};
  for (const auto& [host, ready] : led.hosts) {
    if (!ready) outcome.unreachable.emplace_back(id_, host->id());
  }
  world_.Fault("workers apart");
  End(job, led, outcome);
}

void SimWorker::Flow(const std::string& job, Led& led) {
  led.phase = led.stop ? AttemptPhase::kStopping : AttemptPhase::kRunning;
  world_.have_run.emplace(job, led.run.attempt);
  Report(job);
  Later(job, led.run.attempt, 100 * kMs, 800 * kMs, &SimWorker::Trigger);
}

void SimWorker::Trigger(const std::string& job, Led& led) {
  if (!world_.quiet && world_.random.Chance(led.stop ? 0.12 : 0.03)) {
    switch (world_.random.Below(4)) {
      case 0:
        world_.Fault("attempt fails for good");
        return Fail(job, led, "WEIR-E001", ErrorKind::kFailed);
      case 1:
        world_.Fault("attempt needs a decision");
        return Fail(job, led, "WEIR-E005", ErrorKind::kDecision);
      default:
        world_.Fault("attempt fails for now");
        return Fail(job, led, "WEIR-K001", ErrorKind::kRetry);
    }
  }
  led.aligning = true;
  for (auto& [host, acked] : led.hosts) {
    acked = false;
    world_.network->Send(*this, *host, To(*host),
                         [host, job, attempt = led.run.attempt, n = led.number, lead = this] {
                           host->Barrier(job, attempt, n, *lead);
                         });
  }
  if (led.hosts.empty()) {
    Later(job, led.run.attempt, kMs, 20 * kMs, &SimWorker::Complete);
  } else {
    const size_t number = led.number;
    world_.In(*this, 3 * kSecond, [this, job, attempt = led.run.attempt, number] {
      Led* still = Find(job, attempt);
      if (still && still->aligning && still->number == number) NotAllAcked(job, *still);
    });
  }
}

void SimWorker::Acked(const std::string& job, AttemptId attempt, uint64_t number, SimWorker& host) {
  Led* led = Find(job, attempt);
  if (!led || !led->aligning || led->number != number) return;
  led->hosts[&host] = true;
  const bool all = std::all_of(led->hosts.begin(), led->hosts.end(),
                               [](const auto& entry) { return entry.second; });
  if (all) Complete(job, *led);
}

void SimWorker::Complete(const std::string& job, Led& led) {
  if (!led.aligning) return;
  led.aligning = false;
  const bool last = led.stop;
  if (!world_.Commit(job, ++led.number, led.run.attempt)) {
    return Fail(job, led, errors::kDeposed.id.data(), ErrorKind::kFailed);
  }
  led.checkpoints++;
  for (const auto& [host, acked] : led.hosts) {
    world_.network->Send(*this, *host, To(*host),
                         [to = host, job, attempt = led.run.attempt, n = led.number] {
                           to->PublishNext(job, attempt, n);
                         });
  }
  PublishNext(job, led.run.attempt, led.number);
  if (last) {
    AttemptOutcome stopped;
    stopped.kind = AttemptOutcome::Kind::kStopped;
    stopped.savepoint = led.number;
    stopped.began = true;
    return End(job, led, stopped);
  }
  if (led.bounded_after != 0 && led.checkpoints >= led.bounded_after) {
    world_.logs[job].ended = true;
    AttemptOutcome done;
    done.kind = AttemptOutcome::Kind::kDone;
    return End(job, led, done);
  }
  if (led.savepoint) {
    led.savepoint_answer = {*std::exchange(led.savepoint, std::nullopt), led.number, {}, {}};
    Report(job);
  }
  Later(job, led.run.attempt, 300 * kMs, 900 * kMs, &SimWorker::Trigger);
}

void SimWorker::Fail(const std::string& job, Led& led, const char* code, ErrorKind kind) {
  AttemptOutcome outcome;
  outcome.failure = {code, kind, "it failed", "mend it"};
  End(job, led, outcome);
}

void SimWorker::End(const std::string& job, Led& led, AttemptOutcome outcome) {
  outcome.checkpoints_completed = led.checkpoints;
  outcome.began |= led.phase != AttemptPhase::kRecovering;
  DropAll(job, led);
  led.ended = outcome;
  Say(facts::AttemptEnded{{session_}, job, led.run.attempt, outcome});
}

void SimWorker::DropAll(const std::string& job, Led& led) {
  Drop(job, led.run.attempt);
  for (const auto& [host, answered] : led.hosts) {
    world_.network->Send(*this, *host, To(*host),
                         [to = host, job, attempt = led.run.attempt] { to->Drop(job, attempt); });
  }
}

// ---------------------------------------------------------------------------------------------
// As a host

void SimWorker::Deploy(const std::string& job, AttemptId attempt, uint32_t lane, SimWorker& lead,
                       uint64_t lead_life) {
  if (lead.life != lead_life) return;
  const auto answer = [&](bool taken) {
    world_.network->Send(*this, lead, To(lead), [&lead, job, attempt, host = this, taken] {
      lead.Ready(job, attempt, *host, taken);
    });
  };
  AttemptId& newest = newest_[job];
  if (attempt < newest) return answer(false);
  newest = attempt;
  if (const auto it = leads_.find(job); it != leads_.end() && it->second.run.attempt < attempt) {
    if (!it->second.ended) DropAll(job, it->second);
    leads_.erase(it);
  }
  hosts_[job] = {attempt, lane, &lead};
  answer(true);
}

void SimWorker::Barrier(const std::string& job, AttemptId attempt, uint64_t number,
                        SimWorker& lead) {
  const auto it = hosts_.find(job);
  if (it == hosts_.end() || it->second.attempt != attempt) return;
  world_.In(*this, world_.random.Between(kMs, 30 * kMs), [this, job, attempt, number, &lead] {
    world_.network->Send(*this, lead, To(lead), [&lead, job, attempt, number, host = this] {
      lead.Acked(job, attempt, number, *host);
    });
  });
}

void SimWorker::PublishNext(const std::string& job, AttemptId attempt, uint64_t number) {
  const auto it = hosts_.find(job);
  if (it == hosts_.end() || it->second.attempt != attempt) return;
  const Hosted hosted = it->second;
  world_.In(*this, world_.random.Between(kMs, 60 * kMs), [this, job, attempt, hosted, number] {
    // Without a session nothing is published; what is short, the next attempt publishes.
    if (session_ == 0 || world_.Publish(job, hosted.lane, attempt)) return;
    SimWorker* lead = hosted.lead;
    world_.network->Send(*this, *lead, To(*lead),
                         [lead, job, attempt] { lead->Fenced(job, attempt); });
  });
}

void SimWorker::Fenced(const std::string& job, AttemptId attempt) {
  if (Led* led = Find(job, attempt)) Fail(job, *led, "WEIR-K010", ErrorKind::kRetry);
}

void SimWorker::Drop(const std::string& job, AttemptId attempt) {
  const auto it = hosts_.find(job);
  if (it != hosts_.end() && it->second.attempt == attempt) hosts_.erase(it);
}

void SimWorker::PeerGone(SimWorker& peer) {
  std::vector<std::string> over;
  for (auto& [job, led] : leads_) {
    if (!led.ended && led.hosts.contains(&peer)) over.push_back(job);
  }
  for (const std::string& job : over) {
    Fail(job, leads_.at(job), "WEIR-M020", ErrorKind::kRetry);
  }
  std::erase_if(hosts_, [&](const auto& entry) { return entry.second.lead == &peer; });
}

}  // namespace weir::simulation
