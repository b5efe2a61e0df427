#include "base/status.h"

namespace weir {

std::string_view NameOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kRetry:
      return "retry";
    case ErrorKind::kFailed:
      return "failed";
    case ErrorKind::kDecision:
      return "decision";
    case ErrorKind::kGaveUp:
      return "gave up";
  }
  return "failed";
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  std::string text(code().id);
  text += ": ";
  text += message();
  if (!cure().empty()) {
    text += ". ";
    text += cure();
  }
  return text;
}

Status Status::WithContext(std::string_view context) && {
  if (error_) error_->message = std::string(context) + ": " + error_->message;
  return std::move(*this);
}

}  // namespace weir
