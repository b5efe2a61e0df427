#include "daemon/manager/describe.h"

#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/manager/core.h"
#include "daemon/manager/states/state.h"

namespace weir::manager {
namespace {

constexpr size_t kMostTold = 5;

}  // namespace

std::string DescribeSpan(Duration span) {
  const int64_t ms = std::max<int64_t>(0, span.us / 1000);
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 120'000) return fmt::format("{} s", ms / 1000);
  if (ms < 7'200'000) return fmt::format("{} min", ms / 60'000);
  return fmt::format("{} h", ms / 3'600'000);
}

std::string DescribeMissing(const Cluster& cluster, Duration now) {
  std::vector<std::string> told;
  for (const auto& [id, worker] : cluster.workers()) {
    if (!worker.present()) {
      told.push_back(fmt::format("worker {} is away since {}", id,
                                 DescribeSpan({now.us - worker.away_since.us})));
    } else if (worker.draining()) {
      told.push_back(fmt::format("worker {} is draining", id));
    }
  }
  for (const auto& [one, other] : cluster.ApartAt(now)) {
    told.push_back(fmt::format("workers {} and {} could not reach each other", one, other));
  }
  std::string text;
  for (size_t i = 0; i < told.size() && i < kMostTold; i++) text += "; " + told[i];
  if (told.size() > kMostTold) text += fmt::format("; and {} more", told.size() - kMostTold);
  return text;
}

std::string DescribeElsewhere(const Cluster& cluster, const std::string& store) {
  if (store.empty()) return "";
  std::string text;
  for (const auto& [id, workers] : cluster.ByStore()) {
    if (id == store) continue;
    for (const Worker* worker : workers) {
      text += fmt::format("; worker {} keeps checkpoints elsewhere ({})", worker->id,
                          worker->store_url);
    }
  }
  return text;
}

std::string DescribeStores(const Cluster& cluster) {
  std::set<std::string> stores;  // By their first workers, as the stores' own ids are by chance.
  for (const auto& [id, workers] : cluster.ByStore()) {
    std::string ids;
    for (const Worker* worker : workers) ids += (ids.empty() ? "" : ", ") + worker->id;
    stores.insert(fmt::format("{} in {}", ids, workers.front()->store_url));
  }
  return fmt::format("{}", fmt::join(stores, "; "));
}

std::string DescribeRoom(const Cluster& cluster, Duration now) {
  uint32_t present = 0;
  uint32_t slots = 0;
  uint32_t free = 0;
  for (const auto& [id, worker] : cluster.workers()) {
    if (!worker.present()) continue;
    present++;
    slots += worker.slots;
    if (worker.usable()) free += worker.free();
  }
  if (present == 0) return "no worker is here" + DescribeMissing(cluster, now);
  return fmt::format("{} here with {} of {} slots free{}",
                     present == 1 ? "1 worker is" : fmt::format("{} workers are", present), free,
                     slots, DescribeMissing(cluster, now));
}

std::string Core::Describe(const std::string& job, Duration now) const {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return "there is no such job";
  return StateOf(it->second.record.state).Describe(it->second, cluster_, now);
}

std::string Core::DescribeWorker(const std::string& id, Duration now) const {
  const Worker* worker = cluster_.Find(id);
  if (!worker) return "there is no such worker";
  if (!worker->present()) {
    return fmt::format("{} since {}", worker->lost ? "lost" : "away",
                       DescribeSpan({now.us - worker->away_since.us}));
  }
  std::string text = fmt::format("{} of {} slots free", worker->free(), worker->slots);
  const auto by_store = cluster_.ByStore();
  if (by_store.size() > 1) {
    std::string others;
    for (const auto& [store, workers] : by_store) {
      for (const Worker* other : workers) {
        if (store != worker->store) others += (others.empty() ? "" : ", ") + other->id;
      }
    }
    text += fmt::format(
        "; keeps checkpoints in {}, another place than that of {}: it takes no tasks "
        "of jobs that are there",
        worker->store_url, others);
  }
  for (const auto& [one, other] : cluster_.ApartAt(now)) {
    if (one != id && other != id) continue;
    text +=
        fmt::format("; takes no tasks of a job together with {}: they could not reach each other",
                    one == id ? other : one);
  }
  if (!worker->draining()) return text;
  if (worker->jobs.empty()) return "drained";
  std::string waits;
  for (const std::string& name : worker->jobs) {
    const auto job = jobs_.find(name);
    if (job == jobs_.end()) continue;
    const JobRecord& record = job->second.record;
    if (!waits.empty()) waits += ", ";
    waits += name;
    if (record.state != JobState::kRunning) {
      waits += fmt::format(" ({})", NameOf(record.state));
      continue;
    }
    const uint32_t room = cluster_.Room(record, now);
    if (room < record.parallelism) {
      waits += fmt::format(" (needs {} more slots elsewhere)", record.parallelism - room);
    }
  }
  return "draining; it still has tasks of " + waits;
}

}  // namespace weir::manager
