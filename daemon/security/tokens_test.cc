#include "daemon/security/tokens.h"

#include <filesystem>
#include <fstream>

#include "daemon/security/errors.h"
#include "daemon/security/listener.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

const std::string kHash(64, 'a');

TEST_CASE("a tokens file is read line by line") {
  const NewToken made = MakeToken("ci", Access::kOperate);
  const auto tokens =
      ParseTokens("# who may\n\n" + made.line + "\r\n  ann  admin\tsha256:" + kHash, "tokens");
  REQUIRE(tokens.ok());
  REQUIRE(tokens->size() == 2);
  CHECK((*tokens)[0].name == "ci");
  CHECK((*tokens)[0].access == Access::kOperate);
  CHECK((*tokens)[1].access == Access::kAdmin);
  CHECK(FindToken(*tokens, made.token) == &(*tokens)[0]);
  CHECK(FindToken(*tokens, made.token + "0") == nullptr);
  CHECK(FindToken(*tokens, "") == nullptr);
  CHECK(made.line.find(made.token) == std::string::npos);
  CHECK(MakeToken("ci", Access::kOperate).token != made.token);
}

TEST_CASE("faults of a tokens file are told with their line") {
  const auto told = [](const std::string& text) {
    const auto tokens = ParseTokens(text, "tokens");
    REQUIRE_FALSE(tokens.ok());
    CHECK(tokens.status().Is(errors::kBadTokensFile));
    return tokens.status().message();
  };
  const std::string fine = "ci view sha256:" + kHash + "\n";
  CHECK(told("ci view") == "tokens:1: a line has three words");
  CHECK(told(fine + "c/i view sha256:" + kHash).find("tokens:2: the first word") == 0);
  CHECK(told("ci root sha256:" + kHash).find("tokens:1: the second word") == 0);
  CHECK(told("ci public sha256:" + kHash).find("tokens:1: the second word") == 0);
  for (const std::string& hash : {kHash, "sha256:" + kHash + "a", "sha256:" + kHash.substr(1),
                                  "sha256:" + std::string(64, 'g')}) {
    CHECK(told("ci view " + hash).find("tokens:1: the third word") == 0);
  }
  CHECK(told(fine + "ci view sha256:" + std::string(64, 'b')) ==
        "tokens:2: another token has this name");
  CHECK(told(fine + "ann view sha256:" + kHash).find("tokens:2: this token stands") == 0);
}

TEST_CASE("a tokens file is its owner's alone, and is read again when it changes") {
  const testing::TemporaryFolder folder;
  const std::string file = folder / "tokens";
  const NewToken first = MakeToken("one", Access::kView);
  const NewToken second = MakeToken("two", Access::kAdmin);
  const auto write = [&](const std::string& text, int mode) {
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms(mode));
  };
  write(first.line, 0640);
  const auto refused = Tokens::Open(file);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().Is(errors::kReadByOthers));
  CHECK(refused.status().cure() == "chmod 600 " + file);

  write(first.line, 0600);
  const auto tokens = Tokens::Open(file).value();
  CHECK(tokens->Find(first.token)->name == "one");
  CHECK_FALSE(tokens->Find(second.token));
  write(second.line, 0600);
  CHECK_FALSE(tokens->Find(first.token));
  CHECK(tokens->Find(second.token)->access == Access::kAdmin);
  write(first.line, 0644);  // Not in order: what was there before counts.
  CHECK(tokens->Find(second.token));
  CHECK_FALSE(tokens->Find(first.token));
  std::filesystem::remove(file);
  CHECK(tokens->Find(second.token));
}

TEST_CASE("strangers reach no door that has neither TLS nor tokens") {
  for (const char* here : {"127.0.0.1", "127.9.8.7", "localhost", "[::1]"}) {
    CHECK(IsLoopback(here));
  }
  for (const char* other : {"0.0.0.0", "10.0.0.5", "[::]", "", "127.1", "127.0.0.1.example",
                            "localhost.example", "::1", "128.0.0.1"}) {
    CHECK_FALSE(IsLoopback(other));
  }
  const auto refused = [](const Listener& listener) {
    const Status status = CheckListener(listener);
    return !status.ok() && status.Is(errors::kUnsafeListener);
  };
  CHECK_FALSE(refused({.address = "127.0.0.1:1", .flag = "--http", .wants_tokens = true}));
  CHECK(refused({.address = "0.0.0.0:1", .flag = "--listen"}));
  CHECK_FALSE(refused({.address = "0.0.0.0:1", .flag = "--listen", .tls = true}));
  CHECK(refused({.address = "0.0.0.0:1", .flag = "--http", .tls = true, .wants_tokens = true}));
  CHECK(refused({.address = "0.0.0.0:1", .flag = "--http", .wants_tokens = true, .tokens = true}));
  CHECK_FALSE(refused({.address = "0.0.0.0:1",
                       .flag = "--http",
                       .tls = true,
                       .wants_tokens = true,
                       .tokens = true}));
  CHECK_FALSE(
      refused({.address = "0.0.0.0:1", .flag = "metrics.listen", .meant_to_be_open = true}));
}

}  // namespace
}  // namespace weir
