#include "daemon/manager/job_record.h"

#include "base/foreign_status.h"

namespace weir::manager {

std::string_view NameOf(JobState state) {
  switch (state) {
    case JobState::kWaiting:
      return "waiting";
    case JobState::kStarting:
      return "starting";
    case JobState::kRunning:
      return "running";
    case JobState::kStopping:
      return "stopping";
    case JobState::kStopped:
      return "stopped";
    case JobState::kEnded:
      return "ended";
    case JobState::kCancelled:
      return "cancelled";
    case JobState::kFailed:
      return "failed";
    case JobState::kNeedsDecision:
      return "needs decision";
  }
  return "unknown";
}

std::string_view NameOf(NextStep::Purpose purpose) {
  switch (purpose) {
    case NextStep::Purpose::kStop:
      return "stop";
    case NextStep::Purpose::kRescale:
      return "rescale";
    case NextStep::Purpose::kUpgrade:
      return "upgrade";
    case NextStep::Purpose::kMove:
      return "move";
  }
  return "unknown";
}

const AttemptWorker* Placement::Find(std::string_view worker) const {
  for (const AttemptWorker& known : workers) {
    if (known.id == worker) return &known;
  }
  return nullptr;
}

std::map<std::string, uint32_t> Placement::Slots() const {
  std::map<std::string, uint32_t> slots;
  std::vector<uint32_t> counts(workers.size());
  for (const uint32_t worker : worker_of) counts[worker]++;
  for (size_t i = 0; i < workers.size(); i++) slots[workers[i].id] = counts[i];
  return slots;
}

RetiredJob RetiredJob::Of(const JobRecord& record) {
  return {record.name, record.instance, record.attempts, record.highest_lane, record.choices.fresh};
}

Failure Failure::Of(const Status& status) {
  return {std::string(status.code().id), status.kind(), status.message(), status.cure()};
}

Status Failure::ToStatus() const { return ForeignStatus(code, kind, text, cure); }

std::string Failure::ToString() const {
  std::string shown = code + ": " + text;
  if (!cure.empty()) shown += ". " + cure;
  return shown;
}

}  // namespace weir::manager
