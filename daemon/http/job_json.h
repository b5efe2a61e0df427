#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "daemon/manager/facts.h"

namespace weir {

/// A job in short, whoever runs it: an entry of /api/v1/jobs.
struct JobInShort {
  std::string name;
  std::string state;   ///< As manager::NameOf names it.
  std::string reason;  ///< Why it is in that state.
  uint32_t parallelism = 1;
  uint64_t version = 1;  ///< Of its text.
  uint64_t restarts = 0;
  std::optional<Duration> downtime;  ///< Over the restarts that are remembered.
  std::optional<Duration> in_state;  ///< For how long.
  std::optional<manager::Failure> failure;
  std::optional<manager::AttemptReport> report;  ///< None: nothing was heard of an attempt yet.
};

nlohmann::ordered_json ToJson(const JobInShort& job);

inline double Seconds(Duration time) { return static_cast<double>(time.us) / 1e6; }

}  // namespace weir
