#include "daemon/http/gate.h"

#include <fmt/format.h>

#include "daemon/security/errors.h"
#include "daemon/security/listener.h"

namespace weir {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr size_t kMostToldBytes = 200;

Status NoToken(std::string message) {
  return Status(
      errors::kNoToken, std::move(message),
      "send 'Authorization: Bearer TOKEN'; commands take it from --token-file, WEIR_TOKEN "
      "or a context. 'weir token new' makes one");
}

std::string HostOf(const std::string& host) {
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  return host.substr(0, has_port ? colon : std::string::npos);
}

}  // namespace

Result<Caller> Gate::Admit(const Credentials& shown, Access wanted) const {
  if (wanted == Access::kPublic) return Caller{"", shown.from};
  if (shown.certificate_missing) {
    refusals_.Add(Refusal::kNoCertificate, shown.from, "the API wants a client's certificate");
    return Status(errors::kNoToken, "this API wants a certificate of role client",
                  "'weir certs issue NAME --role client' makes one; commands take it from "
                  "--certificate and --key, or a context");
  }
  return tokens_ ? AdmitToken(shown, wanted) : AdmitLocal(shown);
}

Result<Caller> Gate::AdmitToken(const Credentials& shown, Access wanted) const {
  if (!shown.authorization.starts_with(kBearer)) {
    refusals_.Add(Refusal::kNoToken, shown.from, "no token was shown");
    return NoToken("a token is needed, and none was shown");
  }
  const std::optional<ApiToken> token =
      tokens_->Find(std::string_view(shown.authorization).substr(kBearer.size()));
  if (!token) {
    Status status = NoToken("the token that was shown is not known here");
    refusals_.Add(Refusal::kNoToken, shown.from, "an unknown token was shown");
    Audit(shown, "unknown", status);
    return status;
  }
  if (token->access >= wanted) return Caller{token->name, shown.from};
  Status status(errors::kRoleTooSmall,
                fmt::format("the token '{}' is of role {}, and this wants {}", token->name,
                            NameOf(token->access), NameOf(wanted)),
                "ask somebody who may, or take another token");
  refusals_.Add(Refusal::kNotAllowed, fmt::format("{} {}", token->name, shown.from),
                shown.request.substr(0, kMostToldBytes));
  Audit(shown, token->name, status);
  return status;
}

Result<Caller> Gate::AdmitLocal(const Credentials& shown) const {
  const bool own_page = shown.origin.empty() || shown.origin == "http://" + shown.host ||
                        shown.origin == "https://" + shown.host;
  if (own_page && IsLoopback(HostOf(shown.host))) return Caller{"loopback", shown.from};
  refusals_.Add(Refusal::kForeignPage, shown.from,
                own_page ? "asked by a name that is not this machine's own" : "led by a page");
  return Status(errors::kForeignPage,
                "without tokens, only this machine may ask, by 127.0.0.1 or localhost, and no "
                "page of somebody else's",
                "ask for http://127.0.0.1, or give the manager a 'tokens_file'");
}

void Gate::Audit(const Credentials& shown, const std::string& who, const Status& status) const {
  if (!audit_) return;
  AuditEntry entry;
  entry.who = who;
  entry.from = shown.from;
  entry.what = shown.request.substr(0, kMostToldBytes);
  entry.result = status.code().id;
  audit_->Refused(std::move(entry));
}

}  // namespace weir
