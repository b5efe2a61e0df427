#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "clients/http.h"

namespace weir {

/// How etcd is reached: its endpoints (`http://host:2379`), of which any will do.
struct EtcdOptions {
  std::vector<std::string> endpoints;
  Duration timeout = Duration::Seconds(2);  ///< Of a call to one of them.
  std::string ca_file;                      ///< As in HttpOptions, as the next two.
  std::string certificate_file;
  std::string key_file;
  std::string user;  ///< Empty: etcd asks for none.
  std::string password;
};

/// A key with its value, and the revisions it was created and last changed at.
struct EtcdEntry {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
};

/// What must hold for a transaction to be carried out.
struct EtcdCondition {
  std::string key;
  std::optional<std::string> value;  ///< None: there is no such key.
};
/// What it does: a value, bound to a lease where that is not 0, or that the key goes.
struct EtcdChange {
  std::string key;
  std::optional<std::string> value;
  int64_t lease = 0;
};

/// Calls etcd (3.4 and later) by its JSON gateway, `/v3/…` of its API reference. Calls go to one
/// endpoint after the other until one answers. Thread safe. Errors: those of HttpClient (kRetry: it
/// is not known whether the call was carried out), kAccessDenied for who may not, kServiceRefused
/// for what else etcd refuses.
///
/// A user is turned into a token by the first call, and again whenever etcd knows that no more.
class EtcdClient {
 public:
  explicit EtcdClient(EtcdOptions options);

  /// Entries whose keys begin with `prefix`, in order, as of one revision, a page at a time.
  Result<std::vector<EtcdEntry>> Scan(std::string_view prefix);
  Result<std::optional<EtcdEntry>> Get(std::string_view key);
  /// All of the changes if all conditions hold, and whether they did.
  Result<bool> Change(std::span<const EtcdCondition> conditions,
                      std::span<const EtcdChange> changes);

  /// A lease that ends `seconds` after it was last kept alive.
  Result<int64_t> GrantLease(int64_t seconds);
  /// Seconds that the lease is good for from before this call on; 0: it is over.
  Result<int64_t> KeepAlive(int64_t lease);
  Status RevokeLease(int64_t lease);
  /// Ends calls that are under way, and all later ones.
  void Cancel() { http_.Cancel(); }

 private:
  Result<std::string> Call(const std::string& path, const std::string& body);
  Result<HttpResponse> Ask(const std::string& endpoint, const std::string& path,
                           const std::string& body);
  Result<HttpResponse> Post(const std::string& endpoint, const std::string& path,
                            const std::string& body, const std::string& token);
  Result<std::string> Authenticate(const std::string& endpoint);

  const EtcdOptions options_;
  HttpClient http_;
  std::atomic<size_t> endpoint_{0};  ///< That has answered last.
  std::mutex mutex_;
  std::string token_;  ///< Under mutex_; empty: to be had.
};

}  // namespace weir
