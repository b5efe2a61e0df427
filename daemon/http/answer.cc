#include "daemon/http/answer.h"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "daemon/http/errors.h"
#include "daemon/manager/errors.h"
#include "daemon/security/errors.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

int HttpStatusOf(const Status& status) {
  if (status.Is(errors::kNoSuchJob) || status.Is(errors::kNoSuchWorker)) return 404;
  if (status.Is(errors::kNotServed)) return 404;
  if (status.Is(errors::kNoToken)) return 401;
  if (status.Is(errors::kRoleTooSmall) || status.Is(errors::kForeignPage)) return 403;
  if (status.Is(errors::kBadFraming)) return 411;
  switch (status.kind()) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kDecision:
      return 409;
    case ErrorKind::kRetry:
    case ErrorKind::kGaveUp:
      return 503;
    case ErrorKind::kFailed:
      return 500;
  }
  return 500;
}

}  // namespace

void Answer(httplib::Response& response, const Json& json) {
  // What errors quote need not be UTF-8.
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace),
                       "application/json");
  response.set_header("Cache-Control", "no-store");
}

void Answer(httplib::Response& response, const Status& status) {
  response.status = HttpStatusOf(status);
  if (response.status == 401) response.set_header("WWW-Authenticate", "Bearer");
  Answer(response, Json{{"error",
                         {{"code", status.code().id},
                          {"kind", NameOf(status.kind())},
                          {"message", status.message()},
                          {"cure", status.cure()}}}});
}

void Answer(httplib::Response& response, const Result<Json>& result) {
  if (result.ok()) {
    Answer(response, *result);
  } else {
    Answer(response, result.status());
  }
}

}  // namespace weir
