#include "connectors/opensearch/bulk.h"

#include <random>

#include <nlohmann/json.hpp>

#include "clients/errors.h"
#include "connectors/opensearch/errors.h"
#include "tests/catch.h"

namespace weir::opensearch {
namespace {

using Outcome = ItemVerdict::Outcome;

BulkRequest Three() {
  BulkRequest request;
  AppendItem(request, {"a", R"({"n":1})"}, 1'700'000'000'007);
  AppendItem(request, {"b\"\n", std::nullopt}, 1'700'000'000'008);
  AppendItem(request, {"c", R"({"n":3})"}, 1'700'000'000'008);
  return request;
}

std::string Answer(const std::string& first, const std::string& second = R"({"status":200})",
                   const std::string& third = R"({"status":201})") {
  return R"({"items":[{"index":)" + first + R"(},{"delete":)" + second + R"(},{"index":)" + third +
         "}]}";
}

ItemVerdict First(const std::string& item) {
  const auto verdicts = JudgeItems(Answer(item), Three());
  REQUIRE(verdicts.ok());
  REQUIRE(verdicts->size() == 3);
  CHECK((*verdicts)[1].outcome == Outcome::kDone);
  CHECK((*verdicts)[2].outcome == Outcome::kDone);
  return (*verdicts)[0];
}

HttpResponse Http(int status, const std::string& body) {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return response;
}

}  // namespace

TEST_CASE("a request has a line for each change, and one for each document") {
  const BulkRequest request = Three();
  CHECK(request.body ==
        "{\"index\":{\"_id\":\"a\",\"version\":1700000000007,\"version_type\":\"external_gte\"}}\n"
        "{\"n\":1}\n"
        "{\"delete\":{\"_id\":\"b\\\"\\n\",\"version\":1700000000008,"
        "\"version_type\":\"external_gte\"}}\n"
        "{\"index\":{\"_id\":\"c\",\"version\":1700000000008,\"version_type\":\"external_gte\"}}\n"
        "{\"n\":3}\n");
  CHECK(DocumentOf(request, request.items[0]) == R"({"n":1})");
  CHECK(DocumentOf(request, request.items[1]) == std::nullopt);
  CHECK(DocumentOf(request, request.items[2]) == R"({"n":3})");

  BulkRequest rest;
  AppendItem(rest, request, request.items[2]);
  AppendItem(rest, request, request.items[1]);
  CHECK(rest.body == request.body.substr(request.items[2].begin) +
                         request.body.substr(request.items[1].begin,
                                             request.items[1].end - request.items[1].begin));
  CHECK(DocumentOf(rest, rest.items[0]) == R"({"n":3})");
  CHECK(rest.items[1].deletes);
}

TEST_CASE("each item is judged by its status and its error") {
  CHECK(First(R"({"status":201})") == ItemVerdict{});
  // A newer one is there: the change has been overtaken.
  CHECK(First(R"({"status":409,"error":{"type":"version_conflict_engine_exception"}})") ==
        ItemVerdict{});
  CHECK(
      First(R"({"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed",)"
            R"("caused_by":{"type":"x","reason":"For input string: \"x\""}}})") ==
      ItemVerdict{Outcome::kRefused, "mapper_parsing_exception: failed: For input string: \"x\""});
  CHECK(First(R"({"status":429,"error":{"type":"rejected_execution_exception"}})").outcome ==
        Outcome::kAgain);
  CHECK(First(R"({"status":503,"error":{"type":"unavailable_shards_exception"}})").outcome ==
        Outcome::kAgain);
  CHECK(First(R"({"status":403,"error":{"type":"cluster_block_exception"}})").outcome ==
        Outcome::kBlocked);
  CHECK(First(R"({"status":429,"error":{"type":"cluster_block_exception"}})").outcome ==
        Outcome::kBlocked);
  CHECK(First(R"({"status":400,"error":{"type":"index_closed_exception"}})").outcome ==
        Outcome::kBlocked);
  CHECK(First(R"({"status":404,"error":{"type":"index_not_found_exception"}})").outcome ==
        Outcome::kBlocked);
  CHECK(First(R"({"status":403,"error":{"type":"security_exception"}})").outcome ==
        Outcome::kDenied);
  CHECK(First(R"({"status":418,"error":"I am"})") == ItemVerdict{Outcome::kAgain, "I am"});
  CHECK(First(R"({"status":500})") == ItemVerdict{Outcome::kAgain, "status 500"});
}

TEST_CASE("a delete of what is not there is done") {
  const auto verdicts =
      JudgeItems(Answer(R"({"status":201})", R"({"status":404,"result":"not_found"})"), Three());
  REQUIRE(verdicts.ok());
  CHECK((*verdicts)[1].outcome == Outcome::kDone);
}

TEST_CASE("an answer that makes no sense says nothing of any item") {
  const std::string good = Answer(R"({"status":201})");
  REQUIRE(JudgeItems(good, Three()).ok());
  for (size_t length = 0; length < good.size(); length++) {
    const auto verdicts = JudgeItems(std::string_view(good).substr(0, length), Three());
    REQUIRE_FALSE(verdicts.ok());
    CHECK(verdicts.status().Is(errors::kBadAnswer));
  }
  const std::string wrong[] = {
      "[]",
      "null",
      "{}",
      R"({"items":{}})",
      R"({"items":[]})",
      R"({"errors":false})",
      R"({"items":[{"index":{"status":201}},{"delete":{"status":200}}]})",
      R"({"items":[{"index":{"status":201}},{"delete":{"status":200}},{"index":{"status":201}},)"
      R"({"index":{"status":201}}]})",
      Answer(R"({})"),
      Answer(R"({"status":"201"})"),
      Answer(R"({"status":2.5})"),
      Answer("201"),
      R"({"items":[1,2,3]})",
      R"({"items":[{},{},{}]})",
      std::string(100'000, '['),
      std::string("\xff\xfe{\0", 4)};
  for (const std::string& body : wrong) {
    INFO(body.substr(0, 200));
    const auto verdicts = JudgeItems(body, Three());
    REQUIRE_FALSE(verdicts.ok());
    CHECK(verdicts.status().Is(errors::kBadAnswer));
    CHECK(verdicts.status().kind() == ErrorKind::kRetry);
  }
}

TEST_CASE("no bytes make the judge fail otherwise") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string good = Answer(R"({"status":400,"error":{"type":"a","reason":"b"}})");
  for (int i = 0; i < 3000; i++) {
    std::string body = good;
    for (size_t n = random() % 4 + 1; n > 0; n--) {
      body[random() % body.size()] = static_cast<char>(random());
    }
    const auto verdicts = JudgeItems(body, Three());
    if (verdicts.ok()) CHECK(verdicts->size() == 3);
    (void)ReasonOf(body);
  }
}

TEST_CASE("a long reason is cut between characters") {
  std::string text = "é";
  for (int i = 0; i < 2000; i++) text += "é";
  const std::string reason = ReasonOf(nlohmann::json{{"message", text}}.dump());
  CHECK(reason.size() < 600);
  CHECK(reason.ends_with("…"));
  CHECK_FALSE(nlohmann::json(reason).dump().empty());  // It would throw at half a character.
}

TEST_CASE("an answer as a whole says what is the matter, and what to do") {
  CHECK(JudgeAnswer(Http(201, ""), "x").ok());
  CHECK(JudgeAnswer(Http(401, "Unauthorized"), "x").Is(errors::kSearchLogin));
  const Status signature =
      JudgeAnswer(Http(403, R"({"message":"The request signature does not match"})"), "writing");
  CHECK(signature.Is(errors::kSearchForbidden));
  CHECK(signature.message() == "writing: status 403 (The request signature does not match)");
  CHECK(JudgeAnswer(Http(403, R"({"error":{"type":"cluster_block_exception"}})"), "x")
            .Is(errors::kIndexBlocked));
  for (const int status : {429, 500, 502, 503, 504, 408}) {
    CHECK(JudgeAnswer(Http(status, "<html>"), "x").Is(errors::kSearchBusy));
  }
  for (const int status : {300, 301, 400, 404, 405}) {
    CHECK(JudgeAnswer(Http(status, ""), "x").Is(errors::kSearchRefused));
  }
}

}  // namespace weir::opensearch
