#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "daemon/http/http_server.h"

namespace weir {

/// A file of web/, as it was when weir was built.
struct PageFile {
  std::string_view name;
  std::string_view content;
};
/// All of them. CMake writes the table.
std::span<const PageFile> PageFiles();

/// The page at / and what it consists of beside it, for everybody: it is the same for all, and asks
/// the API of the server that it came from with the token that it is given. The headers hold
/// browsers to asking nobody else.
std::vector<HttpRoute> PageRoutes();

}  // namespace weir
