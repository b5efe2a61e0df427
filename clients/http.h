#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"

namespace weir {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// What a request sends: bytes in memory or, where `path` is set, a part of a file. The same body
/// can be sent again and again.
struct HttpBody {
  std::string_view bytes;
  std::string path;
  uint64_t offset = 0;  ///< Of the part, in the file.
  uint64_t length = 0;  ///< Of the part.
  uint64_t size() const { return path.empty() ? bytes.size() : length; }
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  HttpBody body;
  /// Takes the body of an answer with status 200 or 206 piece by piece; where there is none, and
  /// for every other status, the body is in the response. An error of it ends the request, and is
  /// what Send returns.
  std::function<Status(std::string_view piece)> sink;
  /// The most that a response may hold in memory.
  uint64_t body_limit_bytes = 1 << 20;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< Names in lower case.
  std::string body;
  /// The first of that name (in lower case); empty where there is none.
  std::string_view Header(std::string_view name) const;
};

struct HttpOptions {
  Duration connect_timeout = Duration::Seconds(3);
  /// A request ends when nothing has come or gone for so long, give or take a second.
  Duration stall_timeout = Duration::Seconds(10);
  std::string ca_file;  ///< Certificates to trust instead of the system's; empty: the system's.
  /// What the client shows of itself where it is asked, in PEM; empty: nothing.
  std::string certificate_file;
  std::string key_file;
  bool direct = false;  ///< Through no proxy, whatever the environment says.
};

/// Requests over HTTP and HTTPS. Connections are kept and used again. Redirects are answers like
/// all others: nothing is ever sent to a place that the caller did not name. Thread safe.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any answer is a response, whatever its status says. Errors: kServiceAway, kNotTrusted,
  /// kBadServiceOption, kBadAnswer (too large), kCallCancelled, and the sink's own. They name the
  /// host, nothing else of the request.
  Result<HttpResponse> Send(const HttpRequest& request);
  /// Ends the requests that are under way, and all later ones.
  void Cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

 private:
  const HttpOptions options_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::vector<void*> idle_;  ///< Handles of libcurl, each with its connections.
};

/// How often, and how long apart, something is tried that may pass.
struct RetryPolicy {
  Duration first_wait = Duration::Millis(100);  ///< Before the second try; doubles.
  Duration longest_wait = Duration::Seconds(2);
  /// No further try begins once so much time has gone by since the first one began.
  Duration bound = Duration::Seconds(5);
  int tries = 6;
};

/// Pure. How long to wait after try `tried` (from 1) has failed, `spent` after the first one began;
/// none: give up. `random` is between 0 and 1: half of the wait is left to it, so that many who
/// were refused together do not come back together.
std::optional<Duration> NextWait(const RetryPolicy& policy, int tried, Duration spent,
                                 double random);

/// Pure. Whether a status says that the same request may succeed later.
bool MayPass(int http_status);

}  // namespace weir
