#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/simulation/world.h"

namespace weir::simulation {

/// A stream in one direction: what is sent later comes later, unless a fault has it otherwise.
struct Stream {
  int64_t last_us = 0;
};

/// Messages take some time. While faults are on, single ones are lost, doubled, delayed, or
/// overtake others; and ways are cut, one by one, so that one side may hear and not be heard.
class Network {
 public:
  explicit Network(World& world) : world_(world) {}

  void Send(const Process& from, Process& to, Stream& stream, std::function<void()> arrive);
  bool IsCut(const std::string& from, const std::string& to) const {
    return cuts_.contains({from, to});
  }
  void Cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  void Mend(const std::string& from, const std::string& to) { cuts_.erase({from, to}); }
  void MendAll() { cuts_.clear(); }
  /// Share of messages that something happens to.
  double trouble = 0;

 private:
  World& world_;
  std::set<std::pair<std::string, std::string>> cuts_;
};

}  // namespace weir::simulation
