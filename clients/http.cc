#include "clients/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "clients/errors.h"

namespace weir {
namespace {

/// libcurl wants to be made ready once in a process, before any thread uses it.
void MakeReady() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  WEIR_CHECK(ready == CURLE_OK);
}

std::string HostOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return url.substr(begin, url.find_first_of("/?", begin) - begin);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

/// One request under way: what libcurl's callbacks work on.
struct Exchange {
  Exchange(const HttpRequest& request_in, const std::atomic<bool>& cancelled_in, Duration stall)
      : request(request_in), cancelled(cancelled_in), stall_timeout(stall) {}
  const HttpRequest& request;
  const std::atomic<bool>& cancelled;
  HttpResponse response;
  Status failure;  ///< Why a callback ended the request.
  int file = -1;
  uint64_t sent = 0;
  const Duration stall_timeout;
  bool stalled = false;
  curl_off_t moved = -1;  ///< Bytes in both directions, as told last.
  Duration moved_at;

  ~Exchange() {
    if (file >= 0) ::close(file);
  }

  bool Streams() const {
    return request.sink && (response.status == 200 || response.status == 206);
  }

  static size_t OnHeader(char* data, size_t size, size_t count, void* self) {
    Exchange& exchange = *static_cast<Exchange*>(self);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) {
      // Also after "100 Continue": only the last status and its headers are the answer's.
      exchange.response = {};
      const size_t space = line.find(' ');
      if (space != std::string_view::npos) {
        exchange.response.status = std::atoi(std::string(line.substr(space + 1, 3)).c_str());
      }
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      exchange.response.headers.emplace_back(Lower(Trimmed(line.substr(0, colon))),
                                             Trimmed(line.substr(colon + 1)));
    }
    return size * count;
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* self) {
    Exchange& exchange = *static_cast<Exchange*>(self);
    const std::string_view piece(data, size * count);
    if (exchange.Streams()) {
      exchange.failure = exchange.request.sink(piece);
      return exchange.failure.ok() ? piece.size() : 0;
    }
    if (exchange.response.body.size() + piece.size() > exchange.request.body_limit_bytes) {
      exchange.failure = Status(errors::kBadAnswer,
                                HostOf(exchange.request.url) + " answers with more than " +
                                    std::to_string(exchange.request.body_limit_bytes) + " bytes",
                                "see that this is the service that is meant");
      return 0;
    }
    exchange.response.body += piece;
    return piece.size();
  }

  static size_t OnSend(char* out, size_t size, size_t count, void* self) {
    Exchange& exchange = *static_cast<Exchange*>(self);
    const HttpBody& body = exchange.request.body;
    const uint64_t wanted = std::min<uint64_t>(size * count, body.size() - exchange.sent);
    if (wanted == 0) return 0;
    if (body.path.empty()) {
      std::memcpy(out, body.bytes.data() + exchange.sent, wanted);
      exchange.sent += wanted;
      return wanted;
    }
    ssize_t got = -1;
    do {
      got = ::pread(exchange.file, out, wanted, static_cast<off_t>(body.offset + exchange.sent));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
      exchange.failure =
          Status(errors::kServiceAway, "cannot read " + body.path + " while it is sent: " +
                                           (got == 0 ? "it is too short" : std::strerror(errno)));
      return CURL_READFUNC_ABORT;
    }
    exchange.sent += static_cast<uint64_t>(got);
    return static_cast<size_t>(got);
  }

  /// A kept connection that had died is replaced by libcurl, and the body sent from its beginning.
  static int OnSeek(void* self, curl_off_t offset, int origin) {
    Exchange& exchange = *static_cast<Exchange*>(self);
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    exchange.sent = static_cast<uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  /// Called about once a second while nothing moves. (libcurl's own limit goes by an average, which
  /// what was sent before props up for seconds.)
  static int OnProgress(void* self, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
    Exchange& exchange = *static_cast<Exchange*>(self);
    if (exchange.cancelled) return 1;
    const Duration now = SystemClock().Monotonic();
    if (down + up != exchange.moved) {
      exchange.moved = down + up;
      exchange.moved_at = now;
    }
    exchange.stalled = now.us - exchange.moved_at.us >= exchange.stall_timeout.us;
    return exchange.stalled ? 1 : 0;
  }
};

Status TransportError(CURLcode code, const std::string& host, const char* detail,
                      const HttpOptions& options) {
  const std::string reason = *detail != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Status(errors::kNotTrusted,
                    "the certificate of " + host + " is not trusted: " + reason,
                    "name the certificate of whoever signed it with ca_file, or mend the address");
    case CURLE_SSL_CACERT_BADFILE:
      return Status(errors::kNotTrusted,
                    "cannot read trusted certificates" +
                        (options.ca_file.empty() ? std::string() : " from " + options.ca_file),
                    "see that ca_file names a readable PEM file");
    case CURLE_SSL_CERTPROBLEM:
      return Status(errors::kBadServiceOption,
                    "the certificate " + options.certificate_file + " and the key " +
                        options.key_file + " cannot be used: " + reason,
                    "both in PEM, the key without a passphrase and of that certificate");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Status(errors::kBadServiceOption, "'" + host + "' is no address: " + reason,
                    "write it as https://HOST:PORT");
    default:
      return Status(errors::kServiceAway, host + " gives no answer: " + reason,
                    "see that it is up and can be reached from here");
  }
}

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (header == name) return value;
  }
  return {};
}

HttpClient::HttpClient(HttpOptions options) : options_(std::move(options)) { MakeReady(); }

HttpClient::~HttpClient() {
  for (void* handle : idle_) curl_easy_cleanup(handle);
}

Result<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  const std::string host = HostOf(request.url);
  const Status given_up(errors::kCallCancelled, "the call to " + host + " was given up");
  if (cancelled_) return given_up;
  Exchange exchange(request, cancelled_, options_.stall_timeout);
  if (!request.body.path.empty()) {
    exchange.file = ::open(request.body.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (exchange.file < 0) {
      return Status(errors::kServiceAway,
                    "cannot open " + request.body.path + " to send it: " + std::strerror(errno));
    }
  }
  CURL* handle = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      handle = idle_.back();
      idle_.pop_back();
    }
  }
  if (handle == nullptr) handle = curl_easy_init();
  WEIR_CHECK(handle != nullptr);
  curl_easy_reset(handle);  // Keeps connections.
  char detail[CURL_ERROR_SIZE] = "";
  curl_slist* lines = nullptr;
  // libcurl would wait for "100 Continue" before each larger body.
  lines = curl_slist_append(lines, "Expect:");
  for (const auto& [name, value] : request.headers) {
    lines = curl_slist_append(lines, (name + ": " + value).c_str());
  }
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.us / 1000));
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  if (options_.direct) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  if (!options_.certificate_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_SSLCERT, options_.certificate_file.c_str());
    curl_easy_setopt(handle, CURLOPT_SSLKEY, options_.key_file.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &Exchange::OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, &Exchange::OnSend);
    curl_easy_setopt(handle, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, &Exchange::OnSeek);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, lines);
  const CURLcode code = curl_easy_perform(handle);
  curl_slist_free_all(lines);
  Status error;
  if (!exchange.failure.ok()) {
    error = std::move(exchange.failure);
  } else if (cancelled_ && code != CURLE_OK) {
    error = given_up;
  } else if (exchange.stalled) {
    error = Status(errors::kServiceAway,
                   host + " has said nothing for " +
                       std::to_string(options_.stall_timeout.us / 1'000'000) + " s",
                   "see that it is up and can be reached from here");
  } else if (code != CURLE_OK) {
    error = TransportError(code, host, detail, options_);
  }
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(handle);
  }
  if (!error.ok()) return error;
  return std::move(exchange.response);
}

std::optional<Duration> NextWait(const RetryPolicy& policy, int tried, Duration spent,
                                 double random) {
  if (tried >= policy.tries || spent >= policy.bound) return std::nullopt;
  int64_t wait_us = policy.first_wait.us;
  for (int i = 1; i < tried && wait_us < policy.longest_wait.us; i++) wait_us *= 2;
  wait_us = std::min(wait_us, policy.longest_wait.us);
  return Duration{wait_us / 2 + static_cast<int64_t>(static_cast<double>(wait_us) / 2 * random)};
}

bool MayPass(int http_status) {
  return http_status == 408 || http_status == 425 || http_status == 429 ||
         (http_status >= 500 && http_status != 501 && http_status != 505);
}

}  // namespace weir
