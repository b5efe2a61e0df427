#include "daemon/worker/checkpoint_json.h"

#include <nlohmann/json.hpp>

#include "daemon/worker/progress_json.h"

namespace weir {

using Json = nlohmann::ordered_json;

Json CheckpointsJson(const std::string& job, const std::vector<ListedCheckpoint>& list) {
  Json checkpoints = Json::array();
  for (const ListedCheckpoint& one : list) {
    if (!one.fault.ok()) {
      checkpoints.push_back({{"number", one.number},
                             {"error",
                              {{"code", one.fault.code().id},
                               {"message", one.fault.message()},
                               {"cure", one.fault.cure()}}}});
      continue;
    }
    checkpoints.push_back({{"number", one.number},
                           {"written", TimeJson(one.written)},
                           {"attempt", one.attempt},
                           {"files", one.files},
                           {"bytes", one.bytes},
                           {"unpublished_rows", one.unpublished_rows},
                           {"savepoint", one.savepoint},
                           {"ended", one.ended}});
    if (!one.savepoint_at.empty()) checkpoints.back()["savepoint_at"] = one.savepoint_at;
  }
  return {{"job", job}, {"checkpoints", std::move(checkpoints)}};
}

Json VerifyJson(const std::string& job, const VerifyReport& report) {
  Json checkpoints = Json::array();
  for (const VerifiedCheckpoint& found : report.checkpoints) {
    Json one = {{"number", found.number}};
    if (found.readable) {
      one["attempt"] = found.attempt;
      one["tasks"] = found.tasks;
      one["files"] = found.files;
      one["bytes"] = found.bytes;
      one["savepoint"] = found.savepoint;
    }
    if (!found.savepoint_at.empty()) one["savepoint_at"] = found.savepoint_at;
    one["faults"] = found.faults;
    checkpoints.push_back(std::move(one));
  }
  return {{"job", job},
          {"ok", report.ok()},
          {"every_byte", report.deep},
          {"files", report.files},
          {"bytes", report.bytes},
          {"checkpoints", std::move(checkpoints)}};
}

Json WaitingJson(const std::string& job, const WaitingResults& waiting) {
  Json epochs = Json::array();
  for (const WaitingEpoch& one : waiting.epochs) {
    epochs.push_back(
        {{"sink", one.sink}, {"lane", one.lane}, {"checkpoint", one.epoch}, {"rows", one.rows}});
  }
  return {{"job", job}, {"checkpoint", waiting.checkpoint}, {"waiting", std::move(epochs)}};
}

Json ResolvedJson(const std::string& job, const Resolution& resolution, const Resolved& resolved) {
  return {{"job", job},
          {"checkpoint", resolved.checkpoint},
          {"sink", resolution.sink},
          {"rows", resolved.rows},
          {"choice", resolution.drop ? "drop" : "dead_letter"}};
}

}  // namespace weir
