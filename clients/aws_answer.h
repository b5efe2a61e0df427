#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "clients/http.h"

/// What AWS's services have in common in their answers. Pure.
namespace weir {

/// What a service says of a request that it did not do.
struct AwsFault {
  std::string code;  ///< `AccessDenied`, without a namespace; empty where the answer holds none.
  std::string message;
};
/// From JSON (`__type`, or the header x-amzn-errortype) or XML (`Error`, also deeper inside).
AwsFault ReadAwsFault(const HttpResponse& response);

/// Whether the keys are no good any more, so that others are worth a try.
bool KeysHaveEnded(const AwsFault& fault);
/// Whether the same request may succeed later.
bool FaultMayPass(int status, const AwsFault& fault);

/// `glue GetSchemaVersion: status 400 AccessDeniedException (…)`, as errors tell it.
std::string FaultText(const std::string& what, int status, const AwsFault& fault);
/// The error of an answer: kServiceBusy, kAccessDenied or kServiceRefused. Of the answer it shows
/// status, code and message, none of which hold keys. `rights`: what to see to where a right is
/// missing.
Status AwsRefusal(const std::string& what, int status, const AwsFault& fault,
                  const std::string& rights);

/// `2026-01-02T03:04:05Z` (or +00:00), with any fraction of seconds, which is left out; none where
/// it is something else.
std::optional<EventTime> ReadAwsTime(std::string_view text);

}  // namespace weir
