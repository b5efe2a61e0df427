#include "daemon/security/listener.h"

#include <arpa/inet.h>

#include <fmt/format.h>

#include "daemon/security/errors.h"

namespace weir {

bool IsLoopback(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address;
  // As the system reads it: `127.1` is no address to it, and `127.evil.example` is a name.
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

Status CheckListener(const Listener& listener) {
  const std::string host = listener.address.substr(0, listener.address.rfind(':'));
  if (IsLoopback(host) || listener.meant_to_be_open) return Status::Ok();
  if (!listener.tls) {
    return Status(errors::kUnsafeListener,
                  fmt::format("{} {} can be reached from other machines, and there is no TLS",
                              listener.flag, listener.address),
                  "give 'tls' in the process's file ('weir certs' makes what it names), or listen "
                  "on 127.0.0.1");
  }
  if (listener.wants_tokens && !listener.tokens) {
    return Status(errors::kUnsafeListener,
                  fmt::format("{} {} can be reached from other machines, and nobody needs a token",
                              listener.flag, listener.address),
                  "give 'tokens_file' in the process's file ('weir token new' makes what stands in "
                  "it), or listen on 127.0.0.1");
  }
  return Status::Ok();
}

}  // namespace weir
