#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::manager {

/// A worker that may be used, and its free slots.
struct PlacementCandidate {
  std::string_view id;
  uint32_t free = 0;
  std::string_view store = {};  ///< Id of where it keeps checkpoints.
};

struct PlacementRequest {
  uint32_t parallelism = 1;
  /// By index: who hosted it last, and so has its state's files. May be shorter or longer.
  std::span<const std::string> previous;
  /// Spread as if nothing had been placed before, and only then look at `previous`: for changes
  /// that a user asked for. Otherwise an index stays where it was as long as there is room, so that
  /// a restart after a failure reads local files.
  bool spread = false;
};

/// The candidate of each index; none where there are too few free slots. Equal requests have equal
/// answers. What is not kept where it was goes to the worker with most free slots left, of several
/// to the one with the lesser id. Takes O((candidates + parallelism) log candidates).
std::optional<std::vector<uint32_t>> Place(std::span<const PlacementCandidate> candidates,
                                           const PlacementRequest& request);

/// Those of `candidates` that keep checkpoints in one and the same store: in `store`, or where that
/// is empty in the one with most free slots, of several in the one with the lesser id.
std::vector<PlacementCandidate> InOneStore(std::vector<PlacementCandidate> candidates,
                                           std::string_view store);

/// `candidates` (sorted by id) without as few as it takes that no pair of `apart` is left: of each
/// pair the one that is in more pairs goes, else the one with fewer free slots, else the greater
/// id.
std::vector<PlacementCandidate> WithoutPairs(
    std::vector<PlacementCandidate> candidates,
    std::span<const std::pair<std::string, std::string>> apart);

}  // namespace weir::manager
