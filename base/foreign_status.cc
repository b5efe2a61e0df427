#include "base/foreign_status.h"

#include <map>
#include <memory>
#include <mutex>

#include "base/errors.h"

namespace weir {
namespace {

bool IsCode(const std::string& id) {
  return id.size() == 9 && id.starts_with("WEIR-") && id[5] >= 'A' && id[5] <= 'Z' &&
         id.find_first_not_of("0123456789", 6) == std::string::npos;
}

const ErrorCode& CodeOf(const std::string& id, ErrorKind kind) {
  struct Known {
    std::string id;
    ErrorCode code;
  };
  static std::mutex mutex;
  static auto& known = *new std::map<std::pair<std::string, ErrorKind>, std::unique_ptr<Known>>();
  std::lock_guard lock(mutex);
  std::unique_ptr<Known>& entry = known[{id, kind}];
  if (!entry) {
    entry = std::make_unique<Known>(Known{id, {}});
    entry->code = {entry->id, kind};
  }
  return entry->code;
}

}  // namespace

Status ForeignStatus(const std::string& code, ErrorKind kind, std::string message,
                     std::string cure) {
  if (!IsCode(code)) {
    return Status(errors::kNoErrorCode, "an error came without a code: " + message,
                  std::move(cure));
  }
  return Status(CodeOf(code, kind), std::move(message), std::move(cure));
}

}  // namespace weir
