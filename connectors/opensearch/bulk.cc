#include "connectors/opensearch/bulk.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch/render.h"
#include "clients/errors.h"
#include "connectors/opensearch/errors.h"

namespace weir::opensearch {
namespace {

using Outcome = ItemVerdict::Outcome;
using nlohmann::json;

constexpr size_t kLongestReason = 500;

/// Errors with status 400 that are no fault of the document.
constexpr std::array<std::string_view, 4> kOfTheIndex = {
    "index_closed_exception", "index_create_block_exception", "validation_exception",
    "invalid_index_name_exception"};

std::string Cut(std::string text) {
  if (text.size() > kLongestReason) {
    text.resize(kLongestReason);
    // Not in the middle of a character.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) {
      text.pop_back();
    }
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
    text += "…";
  }
  return text;
}

std::string TextOf(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// `mapper_parsing_exception: failed to parse …: For input string: "x"`.
std::string ReasonOfError(const json& error) {
  if (error.is_string()) return Cut(error.get<std::string>());
  if (!error.is_object()) return {};
  std::string text = TextOf(error, "type");
  if (const std::string reason = TextOf(error, "reason"); !reason.empty()) {
    text += (text.empty() ? "" : ": ") + reason;
  }
  if (const auto cause = error.find("caused_by"); cause != error.end() && cause->is_object()) {
    if (const std::string reason = TextOf(*cause, "reason"); !reason.empty()) text += ": " + reason;
  }
  return Cut(std::move(text));
}

bool IsBlock(const std::string& type) {
  return type == "cluster_block_exception" ||
         std::find(kOfTheIndex.begin(), kOfTheIndex.end(), type) != kOfTheIndex.end();
}

Outcome OutcomeOf(int64_t status, const std::string& error, bool deletes) {
  if (status / 100 == 2 || status == 409) return Outcome::kDone;
  if (status == 404 && deletes && error.empty()) return Outcome::kDone;  // It was not there.
  if (IsBlock(error)) return Outcome::kBlocked;
  if (status == 401 || status == 403) return Outcome::kDenied;
  // 404: the index is gone, and is not made by writing to it.
  if (status == 404) return Outcome::kBlocked;
  if (status == 400 || status == 413) return Outcome::kRefused;
  return Outcome::kAgain;
}

}  // namespace

void AppendItem(BulkRequest& request, const Change& change, int64_t version) {
  const size_t begin = request.body.size();
  request.body += change.document ? R"({"index":{"_id":)" : R"({"delete":{"_id":)";
  AppendJsonString(request.body, change.id);
  fmt::format_to(std::back_inserter(request.body),
                 R"(,"version":{},"version_type":"external_gte"}}}})", version);
  request.body += '\n';
  if (change.document) {
    request.body += *change.document;
    request.body += '\n';
  }
  request.items.push_back({begin, request.body.size(), std::string(change.id), !change.document});
}

void AppendItem(BulkRequest& request, const BulkRequest& from, const BulkRequest::Item& item) {
  const size_t begin = request.body.size();
  request.body.append(from.body, item.begin, item.end - item.begin);
  request.items.push_back({begin, request.body.size(), item.id, item.deletes});
}

std::optional<std::string> DocumentOf(const BulkRequest& request, const BulkRequest::Item& item) {
  if (item.deletes) return std::nullopt;
  const size_t line = request.body.find('\n', item.begin) + 1;
  return request.body.substr(line, item.end - 1 - line);
}

Result<std::vector<ItemVerdict>> JudgeItems(std::string_view body, const BulkRequest& request) {
  const auto unusable = [](std::string why) {
    return Status(errors::kBadAnswer, "an answer to documents is not what it should be: " + why,
                  "see that the address is that of an OpenSearch or Elasticsearch server");
  };
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return unusable("it is no JSON object, or cut off");
  const auto items = answer.find("items");
  if (items == answer.end() || !items->is_array()) return unusable("it has no items");
  if (items->size() != request.items.size()) {
    return unusable(fmt::format("{} documents were sent, {} are answered", request.items.size(),
                                items->size()));
  }
  std::vector<ItemVerdict> verdicts;
  verdicts.reserve(items->size());
  for (size_t i = 0; i < items->size(); i++) {
    const json& item = (*items)[i];
    if (!item.is_object() || item.size() != 1 || !item.begin()->is_object()) {
      return unusable(fmt::format("item {} is of no known form", i));
    }
    const json& told = *item.begin();
    const auto status = told.find("status");
    if (status == told.end() || !status->is_number_integer()) {
      return unusable(fmt::format("item {} has no status", i));
    }
    ItemVerdict verdict;
    const auto error = told.find("error");
    const bool has_error = error != told.end() && !error->is_null();
    const std::string type =
        has_error && error->is_object() ? TextOf(*error, "type") : std::string();
    verdict.outcome = OutcomeOf(status->get<int64_t>(), has_error && type.empty() ? "?" : type,
                                request.items[i].deletes);
    if (verdict.outcome != Outcome::kDone) {
      verdict.reason = has_error ? ReasonOfError(*error) : std::string();
      if (verdict.reason.empty()) {
        verdict.reason = fmt::format("status {}", status->get<int64_t>());
      }
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

std::string ReasonOf(std::string_view body) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (answer.is_object()) {
    if (const auto error = answer.find("error"); error != answer.end()) {
      if (std::string reason = ReasonOfError(*error); !reason.empty()) return reason;
    }
    for (const char* key : {"message", "Message"}) {
      if (std::string message = TextOf(answer, key); !message.empty()) {
        return Cut(std::move(message));
      }
    }
  }
  return {};
}

Status JudgeAnswer(const HttpResponse& answer, const std::string& what) {
  const int status = answer.status;
  if (status / 100 == 2) return Status::Ok();
  const std::string reason = ReasonOf(answer.body);
  std::string message = fmt::format("{}: status {}", what, status);
  if (!reason.empty()) message += fmt::format(" ({})", reason);
  const std::string type = reason.substr(0, reason.find(':'));
  if (IsBlock(type)) {
    return Status(errors::kIndexBlocked, std::move(message),
                  "free space on the server's disks, open the index, or take its block off");
  }
  if (status == 401) {
    return Status(errors::kSearchLogin, std::move(message),
                  "give the connection a user and a password that the server knows, or 'signing' "
                  "where it is one of AWS's");
  }
  if (status == 403) {
    return Status(errors::kSearchForbidden, std::move(message),
                  "the rights that weir needs are in docs/opensearch.md; of AWS's services, see "
                  "that region and service of 'signing' are right");
  }
  if (MayPass(status)) {
    return Status(errors::kSearchBusy, std::move(message),
                  "nothing needs to be done where it passes by itself; otherwise see the server's "
                  "own log");
  }
  return Status(errors::kSearchRefused, std::move(message), "see the server's own words");
}

}  // namespace weir::opensearch
