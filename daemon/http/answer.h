#pragma once

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace httplib {
struct Response;
}

namespace weir {

/// Answers with JSON, 200.
void Answer(httplib::Response& response, const nlohmann::ordered_json& json);
/// Answers with an error: {"error": {"code", "kind", "message", "cure"}} and a fitting status.
void Answer(httplib::Response& response, const Status& status);

}  // namespace weir
