#include "daemon/manager/cluster.h"

#include <algorithm>

#include "base/check.h"

namespace weir::manager {

const Worker* Cluster::Find(const std::string& id) const {
  const auto it = workers_.find(id);
  return it == workers_.end() ? nullptr : &it->second;
}

Worker* Cluster::Find(const std::string& id) {
  const auto it = workers_.find(id);
  return it == workers_.end() ? nullptr : &it->second;
}

Worker* Cluster::OfSession(SessionId session) {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : Find(it->second);
}

Worker& Cluster::Add(const std::string& id) {
  Worker& worker = workers_[id];
  worker.id = id;
  return worker;
}

void Cluster::Forget(const std::string& id) {
  const Worker* worker = Find(id);
  WEIR_CHECK(worker && !worker->present() && worker->jobs.empty());
  workers_.erase(id);
}

void Cluster::SetSession(Worker& worker, SessionId session) {
  if (worker.session) sessions_.erase(*worker.session);
  worker.session = session;
  worker.lost = false;
  sessions_[session] = worker.id;
}

void Cluster::EndSession(Worker& worker, Duration now) {
  if (!worker.session) return;
  sessions_.erase(*worker.session);
  worker.session.reset();
  worker.away_since = now;
}

void Cluster::Hold(const std::string& job, const std::map<std::string, uint32_t>& slots) {
  std::map<std::string, uint32_t>& held = held_[job];
  for (const auto& [id, count] : held) {
    Worker* worker = Find(id);
    WEIR_CHECK(worker && worker->held >= count);
    worker->held -= count;
    worker->jobs.erase(job);
  }
  held = slots;
  for (const auto& [id, count] : held) {
    Worker& worker = Add(id);
    worker.held += count;
    worker.jobs.insert(job);
  }
  if (held.empty()) held_.erase(job);
}

const std::map<std::string, uint32_t>* Cluster::HeldBy(const std::string& job) const {
  const auto it = held_.find(job);
  return it == held_.end() ? nullptr : &it->second;
}

void Cluster::KeepApart(const std::string& one, const std::string& other, Duration until) {
  if (one == other) return;
  Duration& apart = apart_[std::minmax(one, other)];
  apart = std::max(apart, until);
}

std::vector<std::pair<std::string, std::string>> Cluster::ApartAt(Duration now) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [pair, until] : apart_) {
    if (now < until) pairs.push_back(pair);
  }
  return pairs;
}

Duration Cluster::NextMeeting() const {
  Duration next = Duration::Max();
  for (const auto& [pair, until] : apart_) next = std::min(next, until);
  return next;
}

bool Cluster::ForgetApart(Duration now) {
  return std::erase_if(apart_, [&](const auto& entry) { return entry.second <= now; }) > 0;
}

void Cluster::ForgetApartOf(const std::string& worker) {
  std::erase_if(apart_, [&](const auto& entry) {
    return entry.first.first == worker || entry.first.second == worker;
  });
}

std::vector<PlacementCandidate> Cluster::CandidatesFor(const JobRecord& job, Duration now) const {
  const std::map<std::string, uint32_t>* own = HeldBy(job.name);
  std::vector<PlacementCandidate> candidates;
  for (const auto& [id, worker] : workers_) {
    if (!worker.usable()) continue;
    uint32_t held = worker.held;
    if (own) {
      if (const auto it = own->find(id); it != own->end()) held -= it->second;
    }
    if (held < worker.slots) candidates.push_back({id, worker.slots - held, worker.store});
  }
  candidates = InOneStore(std::move(candidates), job.store);
  if (apart_.empty()) return candidates;
  return WithoutPairs(std::move(candidates), ApartAt(now));
}

std::optional<Placement> Cluster::Place(const JobRecord& job, const PlacementRequest& request,
                                        Duration now) const {
  const std::vector<PlacementCandidate> candidates = CandidatesFor(job, now);
  const auto chosen = manager::Place(candidates, request);
  if (!chosen) return std::nullopt;
  Placement placement;
  std::map<uint32_t, uint32_t> position;  // In the placement, by candidate.
  for (const uint32_t candidate : *chosen) {
    const auto [it, is_new] =
        position.emplace(candidate, static_cast<uint32_t>(placement.workers.size()));
    if (is_new) {
      const Worker& worker = *Find(std::string(candidates[candidate].id));
      placement.workers.push_back({worker.id, worker.incarnation, worker.address});
    }
    placement.worker_of.push_back(it->second);
  }
  return placement;
}

uint32_t Cluster::Room(const JobRecord& job, Duration now) const {
  uint64_t room = 0;
  for (const PlacementCandidate& candidate : CandidatesFor(job, now)) room += candidate.free;
  return static_cast<uint32_t>(std::min<uint64_t>(room, UINT32_MAX));
}

uint32_t Cluster::FreeSlots() const {
  uint32_t free = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker.usable()) free += worker.free();
  }
  return free;
}

uint32_t Cluster::PresentSlots(const std::string& store) const {
  uint32_t slots = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker.present() && (store.empty() || worker.store == store)) slots += worker.slots;
  }
  return slots;
}

std::map<std::string, std::vector<const Worker*>> Cluster::ByStore() const {
  std::map<std::string, std::vector<const Worker*>> by_store;
  for (const auto& [id, worker] : workers_) {
    if (worker.usable()) by_store[worker.store].push_back(&worker);
  }
  return by_store;
}

}  // namespace weir::manager
