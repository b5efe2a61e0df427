#include "clients/etcd.h"

#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "clients/errors.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr size_t kPage = 256;  // Entries asked for at once.
constexpr uint64_t kMostAnswer = 64 << 20;

Status NotUnderstood(const std::string& what) {
  return Status(errors::kBadAnswer, "etcd answered what could not be understood: " + what,
                "see that the endpoint is etcd 3.4 or later, and not something before it");
}

/// The gateway writes 64 bit numbers as text, and leaves zeros out.
int64_t NumberIn(const Json& json, const char* name) {
  const auto it = json.find(name);
  if (it == json.end()) return 0;
  if (it->is_number_integer()) return it->get<int64_t>();
  if (!it->is_string()) return 0;
  return std::strtoll(it->get<std::string>().c_str(), nullptr, 10);
}

Result<std::string> BytesIn(const Json& json, const char* name) {
  std::string bytes;
  const auto it = json.find(name);
  if (it == json.end()) return bytes;
  if (!it->is_string() || !DecodeBase64(it->get<std::string>(), bytes)) {
    return NotUnderstood(fmt::format("'{}' is not base64", name));
  }
  return bytes;
}

bool Says(const HttpResponse& answer, std::string_view words) {
  return answer.body.find(words) != std::string::npos;
}

Result<Json> Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return NotUnderstood(text.substr(0, 100));
  return json;
}

/// Tokens end: by their time, with the member that gave them, and when users or roles are changed.
bool IsTokenOver(const HttpResponse& answer) {
  if (answer.status == 200) return false;
  return answer.status == 401 || Says(answer, "revision of auth store is old");
}

Status Refused(const std::string& endpoint, const HttpResponse& answer) {
  const std::string message = fmt::format("etcd at {} answered {}: {}", endpoint, answer.status,
                                          answer.body.substr(0, 300));
  if (MayPass(answer.status)) return Status(errors::kServiceBusy, message, "see etcd's log");
  if (answer.status == 401 || answer.status == 403 || Says(answer, "authentication failed") ||
      Says(answer, "user name is empty")) {
    return Status(errors::kAccessDenied, message,
                  "give it a user and a password that etcd knows, with a role that may read and "
                  "write all keys below the prefix");
  }
  return Status(errors::kServiceRefused, message, "see etcd's log");
}

/// The first key after all those that begin with `prefix`.
std::string EndOf(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end.empty() ? std::string(1, '\0') : end;
}

}  // namespace

EtcdClient::EtcdClient(EtcdOptions options)
    : options_(std::move(options)),
      http_({options_.timeout, options_.timeout, options_.ca_file, options_.certificate_file,
             options_.key_file}) {}

Result<HttpResponse> EtcdClient::Post(const std::string& endpoint, const std::string& path,
                                      const std::string& body, const std::string& token) {
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint + path;
  request.headers = {{"content-type", "application/json"}};
  if (!token.empty()) request.headers.emplace_back("authorization", token);
  request.body.bytes = body;
  request.body_limit_bytes = kMostAnswer;
  return http_.Send(request);
}

Result<std::string> EtcdClient::Authenticate(const std::string& endpoint) {
  const Json ask = {{"name", options_.user}, {"password", options_.password}};
  const HttpResponse answer = WEIR_TRY(Post(endpoint, "/v3/auth/authenticate", ask.dump(), ""));
  if (answer.status != 200) return Refused(endpoint, answer);
  const Json json = WEIR_TRY(Parsed(answer.body));
  std::string token = json.value("token", "");
  if (token.empty()) return NotUnderstood("a user without a token");
  std::lock_guard lock(mutex_);
  token_ = token;
  return token;
}

Result<HttpResponse> EtcdClient::Ask(const std::string& endpoint, const std::string& path,
                                     const std::string& body) {
  if (options_.user.empty()) return Post(endpoint, path, body, "");
  std::string token;
  {
    std::lock_guard lock(mutex_);
    token = token_;
  }
  if (!token.empty()) {
    Result<HttpResponse> answer = Post(endpoint, path, body, token);
    if (!answer.ok() || !IsTokenOver(*answer)) return answer;
  }
  token = WEIR_TRY(Authenticate(endpoint));
  return Post(endpoint, path, body, token);
}

Result<std::string> EtcdClient::Call(const std::string& path, const std::string& body) {
  Status last;
  for (size_t i = 0; i < options_.endpoints.size(); i++) {
    const size_t at = (endpoint_ + i) % options_.endpoints.size();
    Result<HttpResponse> response = Ask(options_.endpoints[at], path, body);
    if (!response.ok()) {
      last = response.status();
      continue;
    }
    if (response->status == 200) {
      endpoint_ = at;
      return std::move(response->body);
    }
    last = Refused(options_.endpoints[at], *response);
    if (!MayPass(response->status)) break;
  }
  return last;
}

Result<std::vector<EtcdEntry>> EtcdClient::Scan(std::string_view prefix) {
  std::vector<EtcdEntry> entries;
  std::string from(prefix);
  int64_t revision = 0;
  while (true) {
    Json ask = {{"key", Base64(from)}, {"range_end", Base64(EndOf(prefix))}, {"limit", kPage}};
    if (revision > 0) ask["revision"] = revision;
    const Json answer = WEIR_TRY(Parsed(WEIR_TRY(Call("/v3/kv/range", ask.dump()))));
    if (revision == 0) {
      revision = NumberIn(answer.value("header", Json::object()), "revision");
      if (revision == 0) return NotUnderstood("a range without its revision");
    }
    for (const Json& kv : answer.value("kvs", Json::array())) {
      entries.push_back({WEIR_TRY(BytesIn(kv, "key")), WEIR_TRY(BytesIn(kv, "value")),
                         NumberIn(kv, "create_revision")});
    }
    if (!answer.value("more", false) || entries.empty()) return entries;
    from = entries.back().key + '\0';
  }
}

Result<std::optional<EtcdEntry>> EtcdClient::Get(std::string_view key) {
  const Json ask = {{"key", Base64(key)}};
  const Json answer = WEIR_TRY(Parsed(WEIR_TRY(Call("/v3/kv/range", ask.dump()))));
  for (const Json& kv : answer.value("kvs", Json::array())) {
    return std::optional(EtcdEntry{WEIR_TRY(BytesIn(kv, "key")), WEIR_TRY(BytesIn(kv, "value")),
                                   NumberIn(kv, "create_revision")});
  }
  return std::optional<EtcdEntry>();
}

Result<bool> EtcdClient::Change(std::span<const EtcdCondition> conditions,
                                std::span<const EtcdChange> changes) {
  Json ask = {{"compare", Json::array()}, {"success", Json::array()}};
  for (const EtcdCondition& condition : conditions) {
    Json compare = {{"key", Base64(condition.key)}, {"result", "EQUAL"}};
    if (condition.value) {
      compare["target"] = "VALUE";
      compare["value"] = Base64(*condition.value);
    } else {
      compare["target"] = "CREATE";
      compare["create_revision"] = "0";
    }
    ask["compare"].push_back(std::move(compare));
  }
  for (const EtcdChange& change : changes) {
    if (change.value) {
      Json put = {{"key", Base64(change.key)}, {"value", Base64(*change.value)}};
      if (change.lease != 0) put["lease"] = std::to_string(change.lease);
      ask["success"].push_back({{"request_put", std::move(put)}});
    } else {
      ask["success"].push_back({{"request_delete_range", {{"key", Base64(change.key)}}}});
    }
  }
  const Json answer = WEIR_TRY(Parsed(WEIR_TRY(Call("/v3/kv/txn", ask.dump()))));
  return answer.value("succeeded", false);
}

Result<int64_t> EtcdClient::GrantLease(int64_t seconds) {
  const Json ask = {{"TTL", std::to_string(seconds)}};
  const Json answer = WEIR_TRY(Parsed(WEIR_TRY(Call("/v3/lease/grant", ask.dump()))));
  const int64_t lease = NumberIn(answer, "ID");
  if (lease == 0) return NotUnderstood("a lease without its number");
  return lease;
}

Result<int64_t> EtcdClient::KeepAlive(int64_t lease) {
  const Json ask = {{"ID", std::to_string(lease)}};
  const Json answer = WEIR_TRY(Parsed(WEIR_TRY(Call("/v3/lease/keepalive", ask.dump()))));
  return NumberIn(answer.value("result", Json::object()), "TTL");
}

Status EtcdClient::RevokeLease(int64_t lease) {
  const Json ask = {{"ID", std::to_string(lease)}};
  (void)WEIR_TRY(Call("/v3/lease/revoke", ask.dump()));
  return Status::Ok();
}

}  // namespace weir
