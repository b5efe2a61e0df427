#pragma once

#include <span>
#include <string_view>

namespace httplib {
class Server;
}

namespace weir {

/// A file of web/, as it was when weir was built.
struct PageFile {
  std::string_view name;
  std::string_view content;
};
/// All of them. CMake writes the table.
std::span<const PageFile> PageFiles();

/// Serves the page at / and what it consists of beside it. It asks the API of the server that it
/// came from and nobody else; the headers hold browsers to that.
void ServePage(httplib::Server& server);

}  // namespace weir
