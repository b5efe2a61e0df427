#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// Which keys of a table may be in the stores only. Says yes to all that were added and to about
/// one in a hundred others, so that a new key costs no look into the stores. Bloom filters of
/// 64-byte blocks, each four times the size of the one before; 12 bits for each key. One thread.
class EvictedFilter {
 public:
  /// For a table whose stored keys are not known: says yes to everything.
  void AddEverything() {
    everything_ = true;
    layers_.clear();
  }
  void Add(uint64_t hash) {
    if (MayHold(hash)) return;
    if (layers_.empty() || layers_.back().held == layers_.back().room) Grow();
    Layer& layer = layers_.back();
    Block& block = layer.blocks[BlockOf(layer, hash)];
    uint64_t bits = Mix(hash);
    for (int probe = 0; probe < kProbes; probe++, bits >>= 9) {
      block[(bits >> 6) & 7] |= uint64_t{1} << (bits & 63);
    }
    layer.held++;
  }
  bool MayHold(uint64_t hash) const {
    if (everything_) return true;
    const uint64_t mixed = Mix(hash);
    for (const Layer& layer : layers_) {
      const Block& block = layer.blocks[BlockOf(layer, hash)];
      uint64_t bits = mixed;
      bool all = true;
      for (int probe = 0; probe < kProbes && all; probe++, bits >>= 9) {
        all = (block[(bits >> 6) & 7] >> (bits & 63) & 1) != 0;
      }
      if (all) return true;
    }
    return false;
  }
  bool empty() const { return !everything_ && layers_.empty(); }
  size_t MemoryBytes() const {
    size_t bytes = 0;
    for (const Layer& layer : layers_) bytes += layer.blocks.size() * sizeof(Block);
    return bytes;
  }

 private:
  using Block = std::array<uint64_t, 8>;
  static constexpr int kProbes = 6;  // Of 9 bits each.
  static constexpr size_t kFirstBlocks = 256;
  static constexpr size_t kKeysPerBlock = 42;
  struct Layer {
    std::vector<Block> blocks;
    size_t held = 0;
    size_t room = 0;
  };
  static uint64_t Mix(uint64_t hash) {
    const uint64_t mixed = (hash ^ hash >> 31) * 0x9e3779b97f4a7c15;
    return mixed ^ mixed >> 29;
  }
  static size_t BlockOf(const Layer& layer, uint64_t hash) {
    return static_cast<size_t>(
        static_cast<unsigned __int128>(hash * 0xbf58476d1ce4e5b9) * layer.blocks.size() >> 64);
  }
  void Grow() {
    const size_t count = layers_.empty() ? kFirstBlocks : layers_.back().blocks.size() * 4;
    Layer layer;
    layer.blocks.resize(count);
    layer.room = count * kKeysPerBlock;
    layers_.push_back(std::move(layer));
  }

  bool everything_ = false;
  std::vector<Layer> layers_;
};

}  // namespace weir
