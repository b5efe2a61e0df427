#include "daemon/supervisor/notices.h"

#include <algorithm>

namespace weir {
namespace {

constexpr Duration kLookEvery = Duration::Seconds(1);
constexpr Duration kStatusEvery = Duration::Seconds(5);
constexpr Duration kExtendEvery = Duration::Seconds(5);
constexpr Duration kExtendBy = Duration::Seconds(60);

bool Due(const std::optional<Duration>& last, Duration every, Duration now) {
  return !last || now.us - last->us >= every.us;
}

/// A value ends with its line.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string ServiceNotices::Next(const ServiceStanding& standing, Duration now) {
  using Phase = ServiceStanding::Phase;
  std::string notice;
  // One that was done before anybody looked had been ready: its end is no failed start. (That it
  // stops may not stand beside it: systemd takes the last word of a message.)
  const bool becomes_ready =
      !ready_told_ && (standing.phase == Phase::kReady || standing.phase == Phase::kDone);
  if (becomes_ready) {
    ready_told_ = true;
    notice += "READY=1\n";
  }
  const bool begins_to_stop = !stopping_told_ && standing.phase == Phase::kStopping;
  if (begins_to_stop) {
    stopping_told_ = true;
    notice += "STOPPING=1\n";
  }
  if (!ready_told_ && standing.patient_start && Due(extended_at_, kExtendEvery, now)) {
    extended_at_ = now;
    notice += "EXTEND_TIMEOUT_USEC=" + std::to_string(kExtendBy.us) + "\n";
  }
  const bool told = becomes_ready || begins_to_stop || Due(status_at_, kStatusEvery, now);
  if (told && standing.status != status_told_) {
    status_told_ = standing.status;
    status_at_ = now;
    notice += "STATUS=" + OneLine(standing.status) + "\n";
  }
  if (watchdog_ && (!standing.turns || standing.turns != turns_)) notice += "WATCHDOG=1\n";
  turns_ = standing.turns;
  return notice;
}

Duration ServiceNotices::every() const {
  if (!watchdog_) return kLookEvery;
  return {std::min(kLookEvery.us, watchdog_->us / 4)};
}

}  // namespace weir
