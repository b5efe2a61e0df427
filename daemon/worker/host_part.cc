#include "daemon/worker/host_part.h"

#include "daemon/rpc/errors.h"

namespace weir {
namespace {

/// For the tasks of an older attempt to end: a task ends between two batches, and a snapshot that
/// is being written is finished first.
constexpr Duration kPatience = Duration::Seconds(60);

}  // namespace

HostPart::HostPart(const WorkerServices& services, const JobPlan& plan, AttemptId attempt,
                   std::vector<std::string> addresses, uint32_t slots, CheckpointStore& store,
                   HostListener& listener)
    : services_(services),
      job_(plan.name),
      attempt_(attempt),
      listener_(listener),
      wires_(plan.name, attempt, std::move(addresses), *services.client, *services.server),
      local_(plan,
             {services.JobDirectory(plan.name) + "/live",
              services.memory_per_slot * std::max<uint32_t>(slots, 1), services.programs},
             *services.clock, store, listener, &wires_) {}

HostPart::~HostPart() { End(); }

Status HostPart::Deploy(Deployment deployment) {
  host_ = deployment.host;
  WEIR_TRY(services_.registry->Enter(
      job_, attempt_, kPatience,
      [this](Status reason, const std::string& channel) { Broken(std::move(reason), channel); }));
  entered_ = true;
  return local_.Deploy(std::move(deployment));
}

void HostPart::Broken(Status reason, const std::string& channel) {
  const std::optional<uint32_t> other = wires_.HostBehind(channel);
  if (other && reason.Is(errors::kChannelBroken)) {
    listener_.OnApart({host_, *other}, std::move(reason));
  } else {
    listener_.OnFailed(std::move(reason));
  }
}

void HostPart::End() {
  local_.End();
  if (entered_) services_.registry->Leave(job_, attempt_);
  entered_ = false;
}

}  // namespace weir
