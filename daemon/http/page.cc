#include "daemon/http/page.h"

#include <string>

#include <httplib.h>

#include "base/status.h"

namespace weir {
namespace {

/// Scripts and styles are files of their own, so nothing that is written into the page can be run.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const char* TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  WEIR_CHECK(false);
}

}  // namespace

std::vector<HttpRoute> PageRoutes() {
  std::vector<HttpRoute> routes;
  for (const PageFile& file : PageFiles()) {
    const auto serve = [file](const HttpCall&, httplib::Response& response) {
      response.set_header("Content-Security-Policy", kPolicy);
      response.set_header("Referrer-Policy", "no-referrer");
      // The next weir has another page at the same address.
      response.set_header("Cache-Control", "no-cache");
      response.set_content(std::string(file.content), TypeOf(file.name));
    };
    const bool first = file.name == "index.html";
    routes.push_back({"GET", first ? "/" : "/" + std::string(file.name), Access::kPublic, serve});
  }
  return routes;
}

}  // namespace weir
