#include <fmt/format.h>

#include "base/journal.h"
#include "cli/command.h"

namespace weir {

int ExitCodeOf(const Status& status) {
  if (status.ok()) return kExitDone;
  switch (status.kind()) {
    case ErrorKind::kInvalid:
      return kExitInvalid;
    case ErrorKind::kDecision:
      return kExitDecision;
    case ErrorKind::kGaveUp:
      return kExitGaveUp;
    case ErrorKind::kRetry:
    case ErrorKind::kFailed:
      return kExitFailed;
  }
  return kExitFailed;
}

int Report(const Status& status) {
  if (status.ok()) return kExitDone;
  if (status.code().id == "WEIR-J025") {
    // Faults of a file: each line says its own place and code.
    fmt::print(stderr, "{}", status.message());
  } else if (InJournal()) {
    // One entry, found by its priority.
    fmt::print(stderr, "<3>error {}: {}{}{}\n", status.code().id, status.message(),
               status.cure().empty() ? "" : " = ", status.cure());
  } else {
    fmt::print(stderr, "error {}: {}\n", status.code().id, status.message());
    if (!status.cure().empty()) fmt::print(stderr, "  = {}\n", status.cure());
  }
  return ExitCodeOf(status);
}

std::string_view WordOf(Observation::Verdict verdict) {
  switch (verdict) {
    case Observation::Verdict::kGood:
      return "ok";
    case Observation::Verdict::kDoubtful:
      return "doubtful";
    case Observation::Verdict::kBad:
      return "bad";
  }
  return "";
}

void Print(const Observation& seen) {
  fmt::print("{:9} {}: {}\n", WordOf(seen.verdict), seen.what, seen.found);
  if (!seen.cure.empty()) fmt::print("          {}\n", seen.cure);
}

}  // namespace weir
