#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace weir {

/// Something that holds a job, or that may be in its way.
struct Finding {
  std::string_view what;  ///< capacity, failure, restarts, partitions, barrier, commit, publish,
                          ///< watermark, pace
  std::string message;
  std::string evidence;  ///< Figures that it rests on.
  std::string cure;
};

/// What holds a job, most pressing first; empty where nothing does. `job` is as the API shows it
/// (`GET /api/v1/jobs/NAME`): whatever is concluded here, users can see for themselves. What is
/// missing from it is taken for not known. `now_us` is the wall clock's time.
std::vector<Finding> Diagnose(const nlohmann::ordered_json& job, int64_t now_us);

}  // namespace weir
