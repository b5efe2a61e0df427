#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/aws_credentials.h"
#include "clients/http.h"
#include "clients/http_address.h"
#include "connectors/opensearch/options.h"

namespace weir::opensearch {

/// A server as one node of a job reaches it. Thread safe; calls block.
class Connection {
 public:
  /// `options` were found good by CheckConnection.
  explicit Connection(ConnectionOptions options);

  const ConnectionOptions& options() const { return options_; }
  /// The addresses, as they are named in messages.
  const std::string& address() const { return options_.url; }

  struct Call {
    std::string method = "GET";
    std::string path = "/";  ///< Of characters that need no escaping.
    QueryParameters query = {};
    std::string_view body = {};
    std::string_view content_type = "application/json";
  };
  /// The answer, whatever its status; of several addresses, of the next one where one is away. A
  /// password that is refused is read anew for the next call, keys of AWS at once. Errors: those of
  /// HttpClient, kSecretMissing, kNoCredentials and the like, kBadServiceOption where nobody says
  /// the region.
  Result<HttpResponse> Send(const Call& call);

  /// The server has let a call pass: from then on a refused login is waited out (a password that is
  /// being changed), before it is told at once.
  bool let_in() const { return let_in_; }

 private:
  Result<HttpResponse> SendTo(const HttpAddress& address, const Call& call);
  Result<HttpResponse> SendSigned(HttpRequest& request, const HttpAddress& address,
                                  const Call& call);
  Result<std::string> Password();
  Result<std::string> Region();

  const ConnectionOptions options_;
  std::vector<HttpAddress> addresses_;
  std::atomic<size_t> current_{0};  ///< Of the addresses: the one that answered last.
  std::atomic<bool> let_in_{false};
  HttpClient http_;
  std::unique_ptr<AwsCredentialProvider> keys_;  ///< Null where nothing is signed.
  std::mutex mutex_;
  std::optional<std::string> password_;  ///< As last read.
  std::string region_;                   ///< Empty: not yet looked for.
};
using ConnectionPtr = std::shared_ptr<Connection>;

/// A path as `folder` counts it, where it is not absolute.
std::string PathFrom(const std::string& folder, const std::string& path);

}  // namespace weir::opensearch
