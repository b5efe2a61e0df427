#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/failure_log.h"
#include "base/time.h"

namespace weir {

/// Why somebody was not let in.
enum class Refusal {
  kNoCertificate,
  kNotTrusted,  ///< Signed by itself, or by an authority that is not believed here.
  kExpired,     ///< Or not begun.
  kWrongRole,
  kNoToken,     ///< None, or one that is not known.
  kNotAllowed,  ///< The token's role does not go so far.
  kForeignPage,
};
inline constexpr std::array kRefusals = {
    Refusal::kNoCertificate, Refusal::kNotTrusted, Refusal::kExpired,    Refusal::kWrongRole,
    Refusal::kNoToken,       Refusal::kNotAllowed, Refusal::kForeignPage};
/// `no_certificate`, as metrics name it.
std::string_view NameOf(Refusal why);

/// Counts those whom a process did not let in, and tells of them in the log: the first one of each
/// kind at once, then a line in ten seconds at most. Thread safe.
class Refusals {
 public:
  explicit Refusals(const Clock& clock) : clock_(clock) {}
  /// `who`: what is known of him, an address or a certificate.
  void Add(Refusal why, std::string_view who, std::string_view reason);
  uint64_t Count(Refusal why) const;

 private:
  struct Kind {
    uint64_t count = 0;
    FailureLog log{Duration::Seconds(10)};
  };
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Refusal, Kind> kinds_;
};

}  // namespace weir
