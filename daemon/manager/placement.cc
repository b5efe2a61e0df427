#include "daemon/manager/placement.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

namespace weir::manager {
namespace {

constexpr uint32_t kNobody = UINT32_MAX;

/// Candidates, the one with most free slots first. `free` is the caller's, and outlives it.
class MostFree {
 public:
  explicit MostFree(std::span<const uint32_t> free) : free_(free), heap_(free.size()) {
    std::iota(heap_.begin(), heap_.end(), 0);
    std::make_heap(heap_.begin(), heap_.end(), std::ref(*this));
  }
  /// Takes the first; the caller lowers its free slots, then gives it back.
  uint32_t Take() {
    std::pop_heap(heap_.begin(), heap_.end(), std::ref(*this));
    return heap_.back();
  }
  void GiveBack() { std::push_heap(heap_.begin(), heap_.end(), std::ref(*this)); }
  /// Whether `a` comes after `b`.
  bool operator()(uint32_t a, uint32_t b) const {
    return free_[a] != free_[b] ? free_[a] < free_[b] : a > b;
  }

 private:
  const std::span<const uint32_t> free_;
  std::vector<uint32_t> heap_;
};

}  // namespace

std::optional<std::vector<uint32_t>> Place(std::span<const PlacementCandidate> candidates,
                                           const PlacementRequest& request) {
  std::vector<uint32_t> free;
  uint64_t room = 0;
  std::map<std::string_view, uint32_t> by_id;
  for (const PlacementCandidate& candidate : candidates) {
    by_id.emplace(candidate.id, static_cast<uint32_t>(free.size()));
    free.push_back(candidate.free);
    room += candidate.free;
  }
  if (room < request.parallelism || request.parallelism == 0) return std::nullopt;

  // How many of them each may have: all that is free, or its share.
  std::vector<uint32_t> share = free;
  if (request.spread) {
    std::vector<uint32_t> left = free;
    std::fill(share.begin(), share.end(), 0);
    MostFree most_free(left);
    for (uint32_t i = 0; i < request.parallelism; i++) {
      const uint32_t taken = most_free.Take();
      left[taken]--;
      share[taken]++;
      most_free.GiveBack();
    }
  }
  std::vector<uint32_t> worker_of(request.parallelism, kNobody);
  const size_t known = std::min<size_t>(request.parallelism, request.previous.size());
  for (size_t i = 0; i < known; i++) {
    const auto it = by_id.find(request.previous[i]);
    if (it == by_id.end() || share[it->second] == 0) continue;
    worker_of[i] = it->second;
    share[it->second]--;
    free[it->second]--;
  }
  std::vector<uint32_t>& left = request.spread ? share : free;
  MostFree most_free(left);
  for (uint32_t& worker : worker_of) {
    if (worker != kNobody) continue;
    worker = most_free.Take();
    left[worker]--;
    most_free.GiveBack();
  }
  return worker_of;
}

std::vector<PlacementCandidate> InOneStore(std::vector<PlacementCandidate> candidates,
                                           std::string_view store) {
  if (store.empty()) {
    std::map<std::string_view, uint64_t> free;
    for (const PlacementCandidate& candidate : candidates) free[candidate.store] += candidate.free;
    uint64_t most = 0;
    for (const auto& [id, slots] : free) {
      if (slots <= most) continue;
      most = slots;
      store = id;
    }
  }
  std::erase_if(candidates, [&](const PlacementCandidate& one) { return one.store != store; });
  return candidates;
}

std::vector<PlacementCandidate> WithoutPairs(
    std::vector<PlacementCandidate> candidates,
    std::span<const std::pair<std::string, std::string>> apart) {
  if (apart.empty()) return candidates;
  const auto find = [&](std::string_view id) {
    const auto at =
        std::lower_bound(candidates.begin(), candidates.end(), id,
                         [](const PlacementCandidate& c, std::string_view i) { return c.id < i; });
    return at != candidates.end() && at->id == id ? at : candidates.end();
  };
  while (true) {
    std::map<std::string_view, uint32_t> pairs;
    for (const auto& [one, other] : apart) {
      if (find(one) == candidates.end() || find(other) == candidates.end()) continue;
      pairs[one]++;
      pairs[other]++;
    }
    if (pairs.empty()) return candidates;
    auto worst = candidates.end();
    for (const auto& [id, count] : pairs) {
      const auto it = find(id);
      if (worst != candidates.end()) {
        const uint32_t most = pairs[worst->id];
        if (count < most || (count == most && it->free > worst->free)) continue;
      }
      worst = it;
    }
    candidates.erase(worst);
  }
}

}  // namespace weir::manager
