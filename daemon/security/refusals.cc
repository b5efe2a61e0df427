#include "daemon/security/refusals.h"

#include <optional>

#include "base/log.h"

namespace weir {

std::string_view NameOf(Refusal why) {
  switch (why) {
    case Refusal::kNoCertificate:
      return "no_certificate";
    case Refusal::kNotTrusted:
      return "not_trusted";
    case Refusal::kExpired:
      return "expired";
    case Refusal::kWrongRole:
      return "wrong_role";
    case Refusal::kNoToken:
      return "no_token";
    case Refusal::kNotAllowed:
      return "not_allowed";
    case Refusal::kForeignPage:
      return "foreign_page";
  }
  return "";
}

void Refusals::Add(Refusal why, std::string_view who, std::string_view reason) {
  std::optional<int64_t> told;
  uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    Kind& kind = kinds_[why];
    count = ++kind.count;
    told = kind.log.OnFailure(clock_.Monotonic());
  }
  if (!told) return;
  log::Warn("refused", {{"why", NameOf(why)}, {"who", who}, {"reason", reason}, {"count", count}});
}

uint64_t Refusals::Count(Refusal why) const {
  std::lock_guard lock(mutex_);
  const auto kind = kinds_.find(why);
  return kind == kinds_.end() ? 0 : kind->second.count;
}

}  // namespace weir
