#pragma once

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace httplib {
struct Response;
}

namespace weir {

// How weir's APIs answer: JSON, and of an error {"error": {"code", "kind", "message", "cure"}} with
// a status that fits its kind.

void Answer(httplib::Response& response, const nlohmann::ordered_json& json);
void Answer(httplib::Response& response, const Status& status);
void Answer(httplib::Response& response, const Result<nlohmann::ordered_json>& result);

}  // namespace weir
