#include "clients/http_address.h"

namespace weir {

std::string HttpAddress::HostName() const {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

std::optional<HttpAddress> ParseHttpAddress(std::string_view url) {
  HttpAddress address;
  address.https = url.starts_with("https://");
  if (!address.https && !url.starts_with("http://")) return std::nullopt;
  url.remove_prefix(address.scheme().size());
  while (url.ends_with('/')) url.remove_suffix(1);
  const size_t slash = url.find('/');
  address.host = url.substr(0, slash);
  if (slash != std::string_view::npos) address.path = url.substr(slash);
  if (address.host.empty() || url.find_first_of("?#@ \t\r\n") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view usual = address.https ? ":443" : ":80";
  if (address.host.ends_with(usual)) address.host.resize(address.host.size() - usual.size());
  return address;
}

}  // namespace weir
