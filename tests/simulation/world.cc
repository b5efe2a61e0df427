#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "tests/simulation/network.h"
#include "tests/simulation/processes.h"

namespace weir::simulation {

constexpr int64_t kFaults_us = 60 * kSecond;
constexpr int64_t kQuiet_us = 30 * kSecond;

void Coverage::Add(const Coverage& other) {
  for (const auto& [what, count] : other.states) states[what] += count;
  for (const auto& [what, count] : other.transitions) transitions[what] += count;
  for (const auto& [what, count] : other.faults) faults[what] += count;
  for (const auto& [what, count] : other.events) events[what] += count;
}

World::World(uint64_t seed, bool loud)
    : random(seed), network(std::make_unique<Network>(*this)), loud_(loud) {
  const bool alone = random.Chance(0.5);
  store = std::make_unique<JobStoreServer>(*this, alone);
  user = std::make_unique<User>(*this);
  for (int i = 0; i < (alone ? 1 : 2); i++) {
    managers.push_back(std::make_unique<SimManager>(*this, fmt::format("m{}", i + 1),
                                                    random.Between(0, 1000 * kSecond)));
  }
  const int64_t count = random.Between(2, 4);
  for (int64_t i = 1; i <= count; i++) {
    workers.push_back(std::make_unique<SimWorker>(
        *this, fmt::format("w{}", i), static_cast<uint32_t>(random.Between(2, 3)), "1"));
    workers.back()->name = fmt::format("w{}:1", i);
  }
}

World::~World() = default;

void World::In(Process& process, int64_t delay_us, std::function<void()> what) {
  const uint64_t life = process.life;
  scheduler.After(delay_us, [this, &process, life, what = std::move(what)]() mutable {
    if (!process.alive || process.life != life) return;
    if (process.paused_until_us > now_us()) {
      In(process, process.paused_until_us - now_us(), std::move(what));
      return;
    }
    what();
  });
}

void World::Fault(const char* kind) {
  coverage_.faults[kind]++;
  Note("fault", 0, 0, kind);
}

void World::Note(std::string_view what, uint64_t a, uint64_t b, std::string_view more) {
  const auto mix = [&](uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3; };
  mix(static_cast<uint64_t>(now_us()));
  for (const char c : what) mix(static_cast<uint8_t>(c));
  mix(a);
  mix(b);
  for (const char c : more) mix(static_cast<uint8_t>(c));
  if (loud_) {
    std::printf("%9.3f %.*s %lu %lu %.*s\n", static_cast<double>(now_us()) / kSecond,
                static_cast<int>(what.size()), what.data(), static_cast<unsigned long>(a),
                static_cast<unsigned long>(b), static_cast<int>(more.size()), more.data());
  }
}

void World::Violate(std::string what) {
  if (violation_.empty()) {
    violation_ = fmt::format("at {:.3f} s: {}", static_cast<double>(now_us()) / kSecond, what);
    Note("violation", 0, 0, violation_);
  }
  over_ = true;
}

void World::CountState(std::string_view state) { coverage_.states[std::string(state)]++; }

void World::CountTransition(std::string_view from, std::string_view to) {
  coverage_.transitions[fmt::format("{} -> {}", from, to)]++;
}

SimWorker* World::WorkerAt(const std::string& address) {
  for (const auto& worker : workers) {
    if (worker->address() == address) return worker.get();
  }
  return nullptr;
}

SimManager* World::Leader() {
  SimManager* leader = nullptr;
  for (const auto& manager : managers) {
    if (!manager->leading() || manager->paused_until_us > now_us()) continue;
    if (!leader || manager->core().term() > leader->core().term()) leader = manager.get();
  }
  return leader;
}

bool World::Commit(const std::string& job, size_t number, AttemptId attempt) {
  ManifestLog& log = logs[job];
  if (number != log.manifests.size() + 1) return false;
  if (!log.manifests.empty() && attempt < log.manifests.back().attempt) {
    Violate(fmt::format("attempt {} of {} commits behind attempt {}", attempt.ToString(), job,
                        log.manifests.back().attempt.ToString()));
    return false;
  }
  log.manifests.push_back({attempt});
  return true;
}

void World::Fence(const std::string& job, uint32_t highest, AttemptId attempt) {
  Lanes& known = lanes[job];
  for (uint32_t lane = 0; lane <= highest; lane++) known.owner[lane] = attempt;
  known.recovered = std::max(known.recovered, attempt);
}

bool World::Publish(const std::string& job, uint32_t lane, AttemptId attempt) {
  Lanes& known = lanes[job];
  AttemptId& owner = known.owner[lane];
  if (owner.number == 0) owner = attempt;
  if (owner != attempt) return false;
  if (attempt < known.recovered) {
    Violate(fmt::format("attempt {} of {} publishes on lane {} after attempt {} has recovered",
                        attempt.ToString(), job, lane, known.recovered.ToString()));
  }
  return true;
}

// ---------------------------------------------------------------------------------------------

void World::Run() {
  for (const auto& manager : managers) manager->Start();
  for (const auto& worker : workers) worker->Start();
  MakeFaults();
  scheduler.RunUntil(kFaults_us, over_);
  if (over_) return;
  Settle();
  scheduler.RunUntil(kFaults_us + kQuiet_us, over_);
  if (!over_) CheckAtTheEnd();
}

void World::MakeFaults() {
  scheduler.After(random.Between(50 * kMs, 700 * kMs), [this] {
    if (quiet) return;
    user->Act();
    if (now_us() > kSecond && random.Chance(0.5)) OneFault();
    MakeFaults();
  });
}

void World::OneFault() {
  SimWorker& worker = *workers[random.Below(workers.size())];
  SimManager& manager = *managers[random.Below(managers.size())];
  switch (random.Below(12)) {
    case 0:
      if (!worker.alive) return;
      Fault("worker killed");
      worker.Kill();
      scheduler.After(random.Between(20 * kMs, 8 * kSecond), [this, &worker] {
        if (!worker.alive && !quiet) worker.Start();
      });
      return;
    case 1:
    case 2:
      if (!worker.alive) return;
      Fault("worker paused");
      return worker.Pause(random.Between(100 * kMs, 9 * kSecond));
    case 3:
    case 4:
      if (!worker.in_session() || !worker.alive) return;
      Fault("session broken");
      return worker.manager()->Flap(worker);
    case 5:
      if (!manager.alive) return;
      Fault("manager killed");
      manager.Kill();
      scheduler.After(random.Between(20 * kMs, 4 * kSecond), [this, &manager] {
        if (!manager.alive && !quiet) manager.Start();
      });
      return;
    case 6:
      if (!manager.alive) return;
      Fault("manager paused");
      return manager.Pause(random.Between(100 * kMs, 7 * kSecond));
    case 7:
    case 8: {
      SimWorker& other = *workers[random.Below(workers.size())];
      const bool to_manager = random.Chance(0.6) || &other == &worker;
      const std::string peer = to_manager ? manager.name : other.name;
      std::pair<std::string, std::string> way(worker.name, peer);
      if (random.Chance(0.5)) std::swap(way.first, way.second);
      const bool both = random.Chance(0.5);
      Fault(both ? "cut" : "cut one way");
      network->Cut(way.first, way.second);
      if (both) network->Cut(way.second, way.first);
      scheduler.After(random.Between(100 * kMs, 9 * kSecond), [this, way] {
        network->Mend(way.first, way.second);
        network->Mend(way.second, way.first);
      });
      return;
    }
    case 9:
      network->trouble = random.Chance(0.5) ? 0 : 0.04;
      return;
    case 10:
      store->trouble = random.Chance(0.3) ? 0 : 0.3;
      return;
    default: {
      // Another process with a known id, or of another weir, for a while.
      if (extra_workers_ >= 4) return;
      const bool other_version = random.Chance(0.3);
      workers.push_back(std::make_unique<SimWorker>(*this, worker.id(), worker.slots(),
                                                    other_version ? "2" : "1"));
      SimWorker& extra = *workers.back();
      extra.name = fmt::format("{}:{}", worker.id(), 2 + extra_workers_++);
      extra.Start();
      scheduler.After(random.Between(kSecond, 6 * kSecond), [&extra] {
        if (extra.alive) extra.Kill();
      });
      return;
    }
  }
}

void World::Settle() {
  quiet = true;
  network->MendAll();
  network->trouble = 0;
  store->trouble = 0;
  for (const auto& manager : managers) {
    manager->paused_until_us = 0;
    if (!manager->alive) manager->Start();
  }
  for (size_t i = 0; i < workers.size(); i++) {
    SimWorker& worker = *workers[i];
    worker.paused_until_us = 0;
    const bool extra = i >= workers.size() - extra_workers_;
    if (extra && worker.alive) worker.Kill();
    if (!extra && !worker.alive) worker.Start();
  }
  scheduler.After(8 * kSecond, [this] { user->UndrainAll(); });
}

void World::CheckAtTheEnd() {
  SimManager* leader = Leader();
  if (!leader) return Violate("nobody leads");
  const manager::Core& core = leader->core();
  const Duration now{leader->local_us()};
  std::map<std::string, AttemptId> current;
  for (const auto& [name, job] : core.jobs()) {
    const manager::JobRecord& record = job.record;
    const std::string why = fmt::format("job {} is {}: {}", name, manager::NameOf(record.state),
                                        core.Describe(name, now));
    if (record.attempt) current[name] = record.attempt->id;
    switch (record.state) {
      case JobState::kRunning: {
        const SimWorker* lead = WorkerAt(record.attempt->placement.lead().address);
        if (!lead || !lead->Leads(name, record.attempt->id)) Violate(why + ", but nobody leads it");
        break;
      }
      case JobState::kWaiting: {
        const uint32_t least =
            record.policy.autoscale ? record.policy.autoscale->min : record.parallelism;
        if (core.cluster().Room(record, now) >= least) Violate(why + ", although there is room");
        break;
      }
      case JobState::kStarting:
      case JobState::kStopping:
        if (now.us - job.since.us > 8 * kSecond) Violate(why + ", for too long");
        break;
      default:
        break;
    }
    const bool lately = now.us - job.since.us < 2 * kSecond;
    if (!job.durable() && !lately) Violate(why + ", and not stored");
  }
  for (const auto& worker : workers) {
    if (!worker->alive) continue;
    if (!worker->in_session()) Violate("worker " + worker->name + " has no session");
    for (const auto& [job, attempt] : worker->Active()) {
      const auto it = current.find(job);
      // One that weir has just rescaled: its workers are on their way.
      const auto known = core.jobs().find(job);
      if (known != core.jobs().end() && now.us - known->second.since.us < 2 * kSecond) continue;
      if (it == current.end() || it->second != attempt) {
        Violate(
            fmt::format("{} still runs attempt {} of {}", worker->name, attempt.ToString(), job));
      }
    }
  }
}

}  // namespace weir::simulation
