#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "engine/waiting_results.h"
#include "state/checkpoint_list.h"

namespace weir {

// What is told of a job's checkpoints, to whoever asks and wherever they lie: a cluster's manager
// tells it as its workers do, commands show it of a state directory in the same way.

nlohmann::ordered_json CheckpointsJson(const std::string& job,
                                       const std::vector<ListedCheckpoint>& list);
nlohmann::ordered_json VerifyJson(const std::string& job, const VerifyReport& report);
nlohmann::ordered_json WaitingJson(const std::string& job, const WaitingResults& waiting);
nlohmann::ordered_json ResolvedJson(const std::string& job, const Resolution& resolution,
                                    const Resolved& resolved);

}  // namespace weir
