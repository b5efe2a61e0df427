#pragma once

#include <string>

#include "base/status.h"

namespace weir {

/// An address to listen on, and what is between it and strangers.
struct Listener {
  std::string address;
  std::string flag;  ///< Where the address comes from, for errors: `--http`.
  bool tls = false;
  bool wants_tokens = false;  ///< It is for people, who show tokens, not for processes.
  bool tokens = false;
  bool meant_to_be_open = false;  ///< The user has said so: `metrics: { insecure: true }`.
};

/// Whether a host is this machine and nothing else: `127.0.0.1` (all of 127/8), `[::1]`,
/// `localhost`.
bool IsLoopback(const std::string& host);

/// WEIR-T009 where strangers could read what is said there, or use it.
Status CheckListener(const Listener& listener);

}  // namespace weir
