#include "daemon/http/gate.h"

#include <filesystem>
#include <fstream>

#include "daemon/security/errors.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

std::string_view CodeOf(const Result<Caller>& caller) {
  return caller.ok() ? std::string_view("ok") : caller.status().code().id;
}

TEST_CASE("each role may do what it may, and all before it") {
  const testing::TemporaryFolder folder;
  std::vector<std::string> shown = {""};
  std::string lines;
  for (Access access : {Access::kView, Access::kOperate, Access::kAdmin}) {
    const NewToken made = MakeToken(std::string(NameOf(access)), access);
    shown.push_back("Bearer " + made.token);
    lines += made.line + "\n";
  }
  std::ofstream(folder / "tokens") << lines;
  std::filesystem::permissions(folder / "tokens", std::filesystem::perms(0600));
  const auto tokens = Tokens::Open(folder / "tokens").value();
  Refusals refusals(SystemClock());
  const Gate gate(tokens.get(), refusals, nullptr);
  const std::vector<Access> wanted = {Access::kPublic, Access::kView, Access::kOperate,
                                      Access::kAdmin};
  for (size_t has = 0; has < wanted.size(); has++) {
    for (size_t wants = 0; wants < wanted.size(); wants++) {
      Credentials credentials;
      credentials.authorization = shown[has];
      const std::string_view code = CodeOf(gate.Admit(credentials, wanted[wants]));
      CHECK(code == (wants <= has ? "ok" : has == 0 ? "WEIR-T007" : "WEIR-T008"));
    }
  }
  CHECK(refusals.Count(Refusal::kNoToken) == 3);
  CHECK(refusals.Count(Refusal::kNotAllowed) == 3);
  Credentials credentials;
  for (const std::string& bad : {shown[3] + "0", "Basic " + shown[3].substr(7), shown[3].substr(7),
                                 std::string("Bearer "), "bearer " + shown[3].substr(7)}) {
    credentials.authorization = bad;
    CHECK(CodeOf(gate.Admit(credentials, Access::kView)) == "WEIR-T007");
  }
  credentials.authorization = shown[2];
  credentials.from = "10.0.0.7:5";
  CHECK(gate.Admit(credentials, Access::kView)->name == "operate");
  CHECK(gate.Admit(credentials, Access::kView)->from == "10.0.0.7:5");
  credentials.certificate_missing = true;
  CHECK(CodeOf(gate.Admit(credentials, Access::kView)) == "WEIR-T007");
  CHECK(CodeOf(gate.Admit(credentials, Access::kPublic)) == "ok");
}

TEST_CASE("without tokens no page of somebody else's gets in") {
  Refusals refusals(SystemClock());
  const Gate gate(nullptr, refusals, nullptr);
  const auto code = [&](const std::string& host, const std::string& origin) {
    Credentials credentials;
    credentials.host = host;
    credentials.origin = origin;
    return CodeOf(gate.Admit(credentials, Access::kAdmin));
  };
  for (const char* host :
       {"127.0.0.1:9280", "localhost:9280", "[::1]:9280", "localhost", "[::1]"}) {
    CHECK(code(host, "") == "ok");
    CHECK(code(host, std::string("http://") + host) == "ok");
    CHECK(code(host, "https://evil.example") == "WEIR-T012");
    CHECK(code(host, "null") == "WEIR-T012");
  }
  // A name of somebody else's that he made to point here.
  CHECK(code("evil.example:9280", "") == "WEIR-T012");
  CHECK(code("evil.example:9280", "http://evil.example:9280") == "WEIR-T012");
  CHECK(code("", "") == "WEIR-T012");
  CHECK(refusals.Count(Refusal::kForeignPage) == 13);
}

}  // namespace
}  // namespace weir
