#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// `https://HOST[:PORT][/PATH]`, taken apart.
struct HttpAddress {
  bool https = false;
  /// As the header Host says it: the port that the scheme means anyway is left out.
  std::string host;
  std::string path;  ///< With a slash at its beginning and none at its end; empty: none.

  std::string scheme() const { return https ? "https://" : "http://"; }
  /// Without the path, and without a slash at its end.
  std::string base() const { return scheme() + host; }
  /// Without port, and without the brackets of IPv6.
  std::string HostName() const;
};

/// Pure. None where it is something else: no scheme or another one, a user's name, a query, a
/// blank.
std::optional<HttpAddress> ParseHttpAddress(std::string_view url);

}  // namespace weir
