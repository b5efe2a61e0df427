#include <algorithm>

#include <fmt/format.h>

#include "daemon/manager/errors.h"
#include "tests/simulation/processes.h"

namespace weir::simulation {

using manager::Action;
namespace actions = manager::actions;
namespace facts = manager::facts;
namespace tell = manager::tell;

constexpr char kVersion[] = "1";
constexpr int64_t kLease_us = 3 * kSecond;
constexpr int64_t kTickEvery_us = 100 * kMs;

// ---------------------------------------------------------------------------------------------
// The store

void JobStoreServer::Apply(const actions::Store& store) {
  for (const manager::JobRecord& job : store.jobs) {
    if (job.removed) {
      jobs_.erase(job.name);
      retired_[job.name] = manager::RetiredJob::Of(job);
    } else {
      jobs_[job.name] = job;
    }
  }
  for (const manager::WorkerRecord& worker : store.workers) {
    if (worker.draining) {
      workers_[worker.id] = worker;
    } else {
      workers_.erase(worker.id);
    }
  }
}

const manager::JobRecord* JobStoreServer::Job(const std::string& name) const {
  const auto it = jobs_.find(name);
  return it == jobs_.end() ? nullptr : &it->second;
}

facts::Elected JobStoreServer::Records() const {
  facts::Elected elected;
  elected.term = term_;
  for (const auto& [name, job] : jobs_) elected.jobs.push_back(job);
  for (const auto& [id, worker] : workers_) elected.workers.push_back(worker);
  for (const auto& [name, job] : retired_) elected.retired.push_back(job);
  return elected;
}

void JobStoreServer::Put(SimManager& manager, uint64_t term, actions::Store store) {
  int64_t delay_us = world_.random.Between(kMs, 8 * kMs);
  bool fails = false;
  if (!world_.quiet && world_.random.Chance(trouble)) {
    if (world_.random.Chance(0.5)) {
      world_.Fault("write slow");
      delay_us = world_.random.Between(100 * kMs, 1500 * kMs);
    } else {
      world_.Fault("write failed");
      fails = true;
    }
  }
  const uint64_t life = manager.life;
  world_.scheduler.After(delay_us, [this, &manager, life, term, fails, store = std::move(store)] {
    if (alone_ && manager.life != life && world_.random.Chance(0.5)) {
      world_.Fault("write forgotten");
      return;
    }
    const auto answer = [&](manager::Fact fact) {
      if (manager.life != life) return;
      world_.In(manager, world_.random.Between(50, kMs),
                [&manager, fact = std::move(fact)] { manager.Told(fact); });
    };
    if (term < term_) {
      world_.Fault("write of an old term refused");
      return answer(facts::Deposed{"the store knows a newer term"});
    }
    // Of a failed write it is not known whether it is there.
    if (!fails || world_.random.Chance(0.5)) Apply(store);
    if (fails) {
      answer(facts::StoreFailed{store.write, Status(errors::kOldTerm, "no answer")});
    } else {
      answer(facts::Stored{store.write});
    }
  });
}

void JobStoreServer::Begin(SimManager& manager) {
  term_++;
  facts::Elected elected = Records();
  elected.lease_until = Duration::Max();
  manager.Told(std::move(elected));
}

void JobStoreServer::Campaign(SimManager& manager) {
  if (std::exchange(manager.campaigning, true)) return;
  const uint64_t life = manager.life;
  const int64_t sent_us = manager.local_us();
  const bool led = manager.leading();
  const int64_t slow = !world_.quiet && world_.random.Chance(trouble) ? 4 : 1;
  world_.scheduler.After(world_.random.Between(kMs, 300 * kMs * slow), [=, this, &manager] {
    const std::string who = fmt::format("{}#{}", manager.name, life);
    const bool held = world_.now_us() < expires_us_;
    if (held && holder_ != who) {
      world_.In(manager, kMs, [&manager] { manager.campaigning = false; });
      return;
    }
    // One that has stepped down by its own clock gives the lease back, and is elected anew.
    const bool mine = held && led;
    if (manager.life != life) return;
    holder_ = who;
    expires_us_ = world_.now_us() + kLease_us;
    manager::Fact fact;
    if (mine) {
      fact = facts::LeaseRenewed{{sent_us + kLease_us}};
    } else {
      if (term_ > 0) world_.Fault("leader elected anew");
      term_++;
      facts::Elected elected = Records();
      elected.lease_until = {sent_us + kLease_us};
      fact = std::move(elected);
    }
    world_.In(manager, world_.random.Between(kMs, 300 * kMs), [&manager, fact = std::move(fact)] {
      manager.campaigning = false;
      manager.Told(fact);
    });
  });
}

// ---------------------------------------------------------------------------------------------
// The process

SimManager::SimManager(World& world, std::string process_name, int64_t skew_us)
    : world_(world), skew_us_(skew_us) {
  name = std::move(process_name);
}

void SimManager::Start() {
  alive = true;
  campaigning = false;
  life++;
  paused_until_us = 0;
  manager::CoreOptions options;
  options.version = kVersion;
  options.keep_apart = Duration::Seconds(8);
  core_ = std::make_unique<manager::Core>(options);
  Loop(life);
  if (world_.store->alone()) {
    world_.In(*this, 5 * kMs, [this] { world_.store->Begin(*this); });
  }
}

void SimManager::Kill() {
  alive = false;
  life++;
  core_.reset();
  for (auto& [id, session] : sessions_) {
    if (world_.network->IsCut(name, session.worker->name)) continue;
    if (session.worker->life != session.worker_life) continue;
    world_.In(*session.worker, world_.random.Between(kMs, 20 * kMs),
              [worker = session.worker, dial = session.dial] { worker->SessionBroken(dial); });
  }
  sessions_.clear();
  dials_.clear();
}

void SimManager::Pause(int64_t for_us) { paused_until_us = world_.now_us() + for_us; }

void SimManager::Loop(uint64_t of_life) {
  if (life != of_life) return;
  world_.In(*this, kTickEvery_us, [this, of_life] { Loop(of_life); });
  if (!world_.store->alone() && (world_.now_us() / kTickEvery_us) % 7 == 0) {
    world_.store->Campaign(*this);
  }
  if (leading()) Told(facts::Tick{});
}

void SimManager::Told(manager::Fact fact) {
  if (!core_) return;
  if (std::holds_alternative<facts::Elected>(fact)) elected_us_ = world_.now_us();
  const bool led = core_->leading();
  const uint64_t kind = fact.index();
  const manager::Now now{{local_us()}, {world_.now_us()}};
  const std::vector<Action> said = core_->On(std::move(fact), now);
  if (led && !core_->leading()) {
    // Streams end with the leadership.
    for (const auto& [id, session] : std::exchange(sessions_, {})) {
      Reject(*session.worker, session.dial);
    }
  }
  if (said.empty()) return;
  world_.Note(name, kind, said.size());
  Check(said);
  if (!world_.quiet && world_.random.Chance(0.004)) {
    // Stopped between deciding and doing, for so long that all may have changed.
    world_.Fault("manager paused before acting");
    Pause(world_.random.Between(kSecond, 9 * kSecond));
    world_.In(*this, 0, [this, said] { Carry(said); });
    return;
  }
  Carry(said);
}

void SimManager::Carry(const std::vector<Action>& said) {
  if (!core_) return;
  for (const Action& action : said) {
    if (const auto* store = std::get_if<actions::Store>(&action)) {
      world_.store->Put(*this, core_->term(), *store);
    } else if (const auto* tell = std::get_if<actions::Tell>(&action)) {
      CarryTell(*tell);
    } else if (const auto* close = std::get_if<actions::CloseSession>(&action)) {
      const auto it = sessions_.find(close->session.value);
      if (it == sessions_.end()) continue;
      Reject(*it->second.worker, it->second.dial);
      sessions_.erase(it);
    } else if (const auto* reply = std::get_if<actions::Reply>(&action)) {
      world_.user->Answered(*reply, *this);
    }
  }
}

void SimManager::CarryTell(const actions::Tell& tell) {
  const auto it = sessions_.find(tell.session.value);
  if (it == sessions_.end()) return;
  Session& session = it->second;
  world_.network->Send(*this, *session.worker, session.to_worker,
                       [worker = session.worker, dial = session.dial, tell] {
                         worker->Told(dial, tell.session.value, tell.term, tell.message);
                       });
  if (std::holds_alternative<tell::Refuse>(tell.message)) sessions_.erase(it);
}

// ---------------------------------------------------------------------------------------------
// Sessions

void SimManager::Reject(SimWorker& worker, uint64_t dial) {
  Stream alone;
  world_.network->Send(*this, worker, alone, [&worker, dial] { worker.Rejected(dial); });
}

void SimManager::Dialled(SimWorker& worker, uint64_t dial, manager::WorkerHello hello) {
  if (!leading()) return Reject(worker, dial);
  if (!dials_.emplace(&worker, dial).second) return;
  const uint64_t id = ++sessions_made_;
  Session& session = sessions_[id];
  session.worker = &worker;
  session.worker_life = worker.life;
  session.dial = dial;
  session.id = hello.id;
  session.incarnation = hello.incarnation;
  if (hello.version != kVersion) world_.Fault("worker of another version");
  for (const auto& [other, known] : sessions_) {
    if (known.id == hello.id && known.incarnation != hello.incarnation) {
      world_.Fault("two processes with one worker id");
    }
  }
  Told(facts::SessionOpened{{id}, std::move(hello)});
}

void SimManager::Beat(uint64_t session, SimWorker& worker, uint64_t dial,
                      manager::WorkerStanding standing) {
  const auto it = sessions_.find(session);
  if (!leading() || it == sessions_.end()) return Reject(worker, dial);
  world_.network->Send(*this, worker, it->second.to_worker,
                       [&worker, dial] { worker.Heard(dial); });
  Told(facts::Heartbeat{{session}, std::move(standing)});
}

void SimManager::WorkerGone(SimWorker& worker, uint64_t worker_life) {
  if (!alive || world_.network->IsCut(worker.name, name)) return;
  for (const auto& [id, session] : sessions_) {
    if (session.worker != &worker || session.worker_life != worker_life) continue;
    world_.In(*this, world_.random.Between(kMs, 20 * kMs), [this, gone = id] { Closed(gone); });
  }
}

void SimManager::Flap(SimWorker& worker) {
  for (const auto& [id, session] : sessions_) {
    if (session.worker != &worker || session.worker_life != worker.life) continue;
    world_.In(*this, world_.random.Between(kMs, 20 * kMs), [this, gone = id] { Closed(gone); });
    world_.In(worker, world_.random.Between(kMs, 20 * kMs),
              [&worker, dial = session.dial] { worker.SessionBroken(dial); });
  }
}

void SimManager::Closed(uint64_t session) {
  if (sessions_.erase(session) > 0) Told(facts::SessionBroken{{session}});
}

// ---------------------------------------------------------------------------------------------
// What must hold of each decision

void SimManager::Check(const std::vector<Action>& said) {
  if (core_->leading() && core_->term() < world_.store->term()) {
    return world_.Violate(fmt::format("{} acted in term {} when term {} had begun", name,
                                      core_->term(), world_.store->term()));
  }
  bool placed = false;
  for (const Action& action : said) {
    if (const auto* tell = std::get_if<actions::Tell>(&action)) {
      world_.Note("tell", tell->session.value, tell->message.index());
      if (const auto* run = std::get_if<tell::RunAttempt>(&tell->message)) CheckRun(*run);
      if (const auto* errand = std::get_if<tell::RunErrand>(&tell->message)) CheckErrand(*errand);
      if (std::holds_alternative<tell::Welcome>(tell->message)) {
        const Session& welcome = sessions_.at(tell->session.value);
        for (const auto& [id, session] : sessions_) {
          if (session.given_up || session.id != welcome.id ||
              session.incarnation == welcome.incarnation)
            continue;
          world_.Violate(fmt::format("worker {} has two live processes in sessions", session.id));
        }
      }
      if (std::holds_alternative<tell::Refuse>(tell->message)) {
        sessions_.at(tell->session.value).given_up = true;
      }
    } else if (const auto* close = std::get_if<actions::CloseSession>(&action)) {
      if (const auto it = sessions_.find(close->session.value); it != sessions_.end()) {
        it->second.given_up = true;
      }
    } else if (const auto* store = std::get_if<actions::Store>(&action)) {
      placed = true;
      world_.Note("store", store->write.value, store->jobs.size());
    } else if (const auto* reply = std::get_if<actions::Reply>(&action)) {
      world_.Note("reply", reply->request.value, reply->status.ok());
      if (reply->status.Is(errors::kErrandCut)) world_.Count("errand cut");
    } else if (std::holds_alternative<actions::Forget>(action)) {
      world_.Count("job removed");
    } else if (const auto* log = std::get_if<actions::Log>(&action)) {
      const std::string_view message = log->message;
      if (message == "job changes state") {
        world_.Note(log->fields[0].second, 0, 0, log->fields[2].second);
        world_.CountTransition(log->fields[1].second, log->fields[2].second);
        CheckState(log->fields[0].second, log->fields[2].second);
      } else if (message == "worker lost") {
        world_.Note(log->fields[0].second, 0, 0, log->fields[1].second);
        if (world_.now_us() - elected_us_ < core_->options().worker_timeout.us) {
          world_.Violate(fmt::format("worker {} was lost {} ms after {} began to lead",
                                     log->fields[0].second, (world_.now_us() - elected_us_) / kMs,
                                     name));
        }
      }
    }
  }
  if (placed) CheckCapacity();
}

void SimManager::CheckState(const std::string& job, const std::string& to) {
  const manager::JobRecord& record = core_->jobs().at(job).record;
  // It may have gone on to another attempt by the end of the decision.
  if (to == "running" && record.state == JobState::kRunning &&
      !world_.have_run.contains({job, record.attempt->id})) {
    world_.Violate(fmt::format("attempt {} of {} is taken for running, and never was",
                               record.attempt->id.ToString(), job));
  }
}

void SimManager::CheckRun(const tell::RunAttempt& run) {
  const std::string attempt = run.attempt.ToString();
  const manager::JobRecord* stored = world_.store->Job(run.job);
  if (!stored || !stored->attempt || stored->attempt->id != run.attempt) {
    return world_.Violate(
        fmt::format("attempt {} of {} was deployed before it was stored", attempt, run.job));
  }
  for (const auto& sink : stored->policy.sinks) {
    const auto lane = stored->highest_lane.find(sink);
    if (lane == stored->highest_lane.end() || lane->second + 1 < run.placement.workers.size()) {
      return world_.Violate(
          fmt::format("attempt {} of {} has more lanes than are stored", attempt, run.job));
    }
  }
  std::string who;
  for (const auto& worker : run.placement.workers) who += worker.incarnation + " ";
  const auto [it, is_new] =
      world_.deployed.emplace(std::pair(run.job, run.attempt.number), attempt + " on " + who);
  if (!is_new) {
    world_.Violate(fmt::format("attempt number {} of {} was given twice: {}, and {} on {}",
                               run.attempt.number, run.job, it->second, attempt, who));
  }
}

/// What a worker writes for a user has a number as an attempt has one.
void SimManager::CheckErrand(const tell::RunErrand& errand) {
  if (!errand.errand.changes()) return;
  const manager::JobRecord* stored = world_.store->Job(errand.job);
  const uint64_t number = errand.attempt.number;
  if (!stored || stored->attempts < number || stored->attempt) {
    return world_.Violate(fmt::format(
        "what waits of {} is decided about as {} before that is stored, or while it may run",
        errand.job, errand.attempt.ToString()));
  }
  const auto [it, is_new] =
      world_.deployed.emplace(std::pair(errand.job, number), errand.attempt.ToString());
  if (!is_new) {
    world_.Violate(fmt::format("number {} of {} was given twice: {}, and to an errand", number,
                               errand.job, it->second));
  }
}

void SimManager::CheckCapacity() {
  // What was stored by the one before may be too much: some of it was over, and not stored as such.
  std::map<std::string, uint32_t> taken;
  std::set<std::string> own;
  for (const auto& [name_of, job] : core_->jobs()) {
    world_.CountState(manager::NameOf(job.record.state));
    if (!job.record.attempt) continue;
    const manager::Placement& placement = job.record.attempt->placement;
    for (const uint32_t i : placement.worker_of) taken[placement.workers[i].address]++;
    if (job.record.attempt->id.term != core_->term()) continue;
    for (const auto& worker : placement.workers) own.insert(worker.address);
  }
  for (const auto& [address, slots] : taken) {
    const SimWorker* worker = world_.WorkerAt(address);
    if (worker && slots > worker->slots() && own.contains(address)) {
      world_.Violate(
          fmt::format("{} of {} slots of {} are given away", slots, worker->slots(), address));
    }
  }
}

}  // namespace weir::simulation
