#include "clients/confluent_registry.h"

#include <sstream>

#include "base/base64.h"
#include "clients/errors.h"
#include "clients/http_address.h"
#include "clients/sigv4.h"

namespace weir {
namespace {

constexpr uint64_t kMostAnswerBytes = 16 << 20;
constexpr size_t kMostReferences = 1'000;
constexpr const char* kJson = "application/vnd.schemaregistry.v1+json";

std::string SubjectPath(const std::string& subject) {
  return "/subjects/" + UriEncode(subject, /*path=*/false);
}

}  // namespace

/// One call: what each try of it sends.
struct ConfluentRegistry::Call {
  std::string method;
  std::string path;
  std::string body;
  std::string what() const { return "schema registry " + method + " " + path; }
};

ConfluentRegistry::ConfluentRegistry(ConfluentRegistryOptions options,
                                     std::vector<std::string> urls, const Clock& clock)
    : options_(std::move(options)), urls_(std::move(urls)), clock_(clock), http_(options_.http) {}

Result<std::unique_ptr<ConfluentRegistry>> ConfluentRegistry::Make(ConfluentRegistryOptions options,
                                                                   const Clock& clock) {
  std::vector<std::string> urls;
  std::istringstream list(options.urls);
  for (std::string url; std::getline(list, url, ',');) {
    url.erase(0, url.find_first_not_of(' '));
    url.resize(url.find_last_not_of(' ') + 1);
    const std::optional<HttpAddress> address = ParseHttpAddress(url);
    if (!address) {
      return Status(errors::kBadServiceOption, "'" + url + "' is no address of a schema registry",
                    "write it as https://HOST:PORT, with a path where there is one; user and "
                    "password are options of their own");
    }
    urls.push_back(address->base() + address->path);
  }
  if (urls.empty()) {
    return Status(errors::kBadServiceOption, "no address of a schema registry", "set url");
  }
  return std::unique_ptr<ConfluentRegistry>(
      new ConfluentRegistry(std::move(options), std::move(urls), clock));
}

FrameSplit ConfluentRegistry::SplitFrame(std::string_view record) const {
  return SplitConfluentFrame(record);
}

void ConfluentRegistry::AppendFrameHeader(const SchemaId& id, std::string& out) const {
  out += '\0';
  out += id.bytes();
}

void ConfluentRegistry::Cancel() {
  http_.Cancel();
  pauses_.Cancel();
}

Result<HttpResponse> ConfluentRegistry::SendOnce(const Call& call, const std::string& url) {
  HttpRequest request;
  request.method = call.method;
  request.url = url + call.path;
  request.headers = {{"Accept", std::string(kJson) + ", application/json"}};
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", kJson);
  if (!options_.user.empty()) {
    request.headers.emplace_back("Authorization",
                                 "Basic " + Base64(options_.user + ":" + options_.password));
  }
  request.body.bytes = call.body;
  request.body_limit_bytes = kMostAnswerBytes;
  return http_.Send(request);
}

/// The body of a good answer; none where what was asked for is not there. Each try asks one address
/// after the other, and only when none of them has done it is there a pause.
Result<std::optional<std::string>> ConfluentRegistry::Send(const Call& call) {
  const Duration begin = clock_.Monotonic();
  for (int tried = 1;; tried++) {
    Status error;
    const size_t first = newest_url_;
    for (size_t i = 0; i < urls_.size(); i++) {
      const size_t at = (first + i) % urls_.size();
      Result<HttpResponse> answer = SendOnce(call, urls_[at]);
      if (!answer.ok()) {
        error = std::move(answer).status().WithContext(call.what());
      } else if (answer->status == 200) {
        newest_url_ = at;
        return std::optional(std::move(answer->body));
      } else if (answer->status == 404 && ReadConfluentFault(*answer).missing()) {
        newest_url_ = at;
        return std::optional<std::string>();
      } else {
        error = ConfluentRefusal(call.what(), *answer);
      }
      if (error.kind() != ErrorKind::kRetry || error.Is(errors::kCallCancelled)) return error;
    }
    const Duration spent{clock_.Monotonic().us - begin.us};
    const AfterTry after = pauses_.Wait(options_.retry, tried, spent);
    if (after == AfterTry::kGiveUp) return error;
    if (after == AfterTry::kCancelled) {
      return Status(errors::kCallCancelled, call.what() + ": given up");
    }
  }
}

/// Fetches what a schema refers to, each text behind those that it needs itself.
Status ConfluentRegistry::AddReferences(const std::vector<ConfluentReference>& references,
                                        std::set<Place>& seen, std::vector<std::string>& texts) {
  for (const ConfluentReference& reference : references) {
    if (!seen.emplace(reference.subject, reference.version).second) continue;
    if (seen.size() > kMostReferences) {
      return Status(errors::kServiceRefused,
                    "a schema refers to more than " + std::to_string(kMostReferences) + " others",
                    "see the schema in the registry");
    }
    const Call call{
        "GET", SubjectPath(reference.subject) + "/versions/" + std::to_string(reference.version),
        ""};
    const std::optional<std::string> body = WEIR_TRY(Send(call));
    if (!body) {
      return Status(errors::kServiceRefused,
                    call.what() + ": a schema refers to it, and it is not there",
                    "bring the version back, or register the schema anew");
    }
    const ConfluentSchema needed = WEIR_TRY(ReadConfluentSchema(*body, call.what()));
    WEIR_TRY(AddReferences(needed.references, seen, texts));
    texts.push_back(needed.registered.schema.text);
  }
  return Status::Ok();
}

Result<RegisteredSchema> ConfluentRegistry::Complete(ConfluentSchema found) {
  std::set<Place> seen;
  WEIR_TRY(AddReferences(found.references, seen, found.registered.dependencies));
  return std::move(found.registered);
}

Result<std::optional<RegisteredSchema>> ConfluentRegistry::FetchById(const SchemaId& id) {
  const Call call{"GET", "/schemas/ids/" + id.ToString(), ""};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) return std::optional<RegisteredSchema>();
  ConfluentSchema found = WEIR_TRY(ReadConfluentSchema(*body, call.what()));
  found.registered.id = id;
  return std::optional(WEIR_TRY(Complete(std::move(found))));
}

Result<std::optional<RegisteredSchema>> ConfluentRegistry::FetchVersion(
    const std::string& subject, const std::string& version) {
  const Call call{"GET", SubjectPath(subject) + "/versions/" + version, ""};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) return std::optional<RegisteredSchema>();
  return std::optional(WEIR_TRY(Complete(WEIR_TRY(ReadConfluentSchema(*body, call.what())))));
}

Result<std::optional<RegisteredSchema>> ConfluentRegistry::Newest(const std::string& subject) {
  return FetchVersion(subject, "latest");
}

Result<std::vector<RegisteredSchema>> ConfluentRegistry::Versions(const std::string& subject) {
  std::vector<RegisteredSchema> versions;
  const Call call{"GET", SubjectPath(subject) + "/versions", ""};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) return versions;
  for (const int version : WEIR_TRY(ReadConfluentVersions(*body, call.what()))) {
    // One that was removed since the list was made is none.
    auto found = WEIR_TRY(FetchVersion(subject, std::to_string(version)));
    if (found) versions.push_back(std::move(*found));
  }
  return versions;
}

Result<std::optional<RegisteredSchema>> ConfluentRegistry::Find(const std::string& subject,
                                                                const SchemaText& schema) {
  const Call call{"POST", SubjectPath(subject), ConfluentSchemaBody(schema)};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) return std::optional<RegisteredSchema>();
  return std::optional(WEIR_TRY(Complete(WEIR_TRY(ReadConfluentSchema(*body, call.what())))));
}

Result<SchemaId> ConfluentRegistry::Register(const std::string& subject, const SchemaText& schema,
                                             std::optional<SchemaCompatibility> compatibility) {
  // A subject's first version has nothing to fit, so that its compatibility may come behind it.
  const bool sets = compatibility && !WEIR_TRY(Newest(subject));
  const Call call{"POST", SubjectPath(subject) + "/versions", ConfluentSchemaBody(schema)};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) {
    return Status(errors::kServiceRefused, call.what() + ": the registry makes no new subjects",
                  "make the subject first, or see the registry's settings");
  }
  const SchemaId id = WEIR_TRY(ReadConfluentId(*body, call.what()));
  if (sets) WEIR_TRY(SetCompatibility(subject, *compatibility));
  return id;
}

Result<std::optional<SchemaCompatibility>> ConfluentRegistry::CompatibilityOf(
    const std::string& subject) {
  for (const std::string& path :
       {"/config/" + UriEncode(subject, /*path=*/false), std::string("/config")}) {
    const Call call{"GET", path, ""};
    const std::optional<std::string> body = WEIR_TRY(Send(call));
    if (body) return std::optional(WEIR_TRY(ReadConfluentCompatibility(*body, call.what())));
  }
  return std::optional<SchemaCompatibility>();
}

Status ConfluentRegistry::SetCompatibility(const std::string& subject,
                                           SchemaCompatibility compatibility) {
  const std::optional<std::string> body = ConfluentCompatibilityBody(compatibility);
  if (!body) {
    return Status(errors::kBadServiceOption, "only AWS Glue knows the compatibility DISABLED",
                  "choose another one");
  }
  const Call call{"PUT", "/config/" + UriEncode(subject, /*path=*/false), *body};
  if (!WEIR_TRY(Send(call))) {
    return Status(errors::kServiceRefused, call.what() + ": there is no such subject",
                  "register a schema first");
  }
  return Status::Ok();
}

Result<SchemaVerdict> ConfluentRegistry::Check(const std::string& subject,
                                               const SchemaText& schema) {
  const Call call{"POST", "/compatibility" + SubjectPath(subject) + "/versions/latest?verbose=true",
                  ConfluentSchemaBody(schema)};
  const std::optional<std::string> body = WEIR_TRY(Send(call));
  if (!body) return SchemaVerdict{true, {}};
  return ReadConfluentVerdict(*body, call.what());
}

}  // namespace weir
