#include "daemon/security/tokens.h"

#include <openssl/crypto.h>

#include <fmt/format.h>

#include "base/hex.h"
#include "base/ids.h"
#include "daemon/security/certificates.h"
#include "daemon/security/errors.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr uint64_t kMostFileBytes = 1 << 20;
constexpr std::string_view kHashPrefix = "sha256:";

/// 32 bytes written as `sha256:` and 64 digits; empty where they are not.
std::string HashIn(std::string_view word) {
  if (!word.starts_with(kHashPrefix)) return {};
  word.remove_prefix(kHashPrefix.size());
  if (word.size() != 64) return {};
  return FromHex(word).value_or("");
}

std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

Result<std::shared_ptr<const std::vector<ApiToken>>> ReadTokens(const std::string& file) {
  WEIR_TRY(CheckPrivate(file));
  const std::string text = WEIR_TRY(files::Read(errors::kBadTokensFile, file, kMostFileBytes));
  return std::make_shared<const std::vector<ApiToken>>(WEIR_TRY(ParseTokens(text, file)));
}

}  // namespace

std::string_view NameOf(Access access) {
  switch (access) {
    case Access::kPublic:
      return "public";
    case Access::kView:
      return "view";
    case Access::kOperate:
      return "operate";
    case Access::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Access> AccessNamed(std::string_view name) {
  for (Access access : {Access::kView, Access::kOperate, Access::kAdmin}) {
    if (NameOf(access) == name) return access;
  }
  return std::nullopt;
}

Result<std::vector<ApiToken>> ParseTokens(std::string_view text, const std::string& file) {
  std::vector<ApiToken> tokens;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string> words = WordsOf(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    number++;
    if (words.empty() || words[0].starts_with('#')) continue;
    const auto fault = [&](std::string_view what) {
      return Status(errors::kBadTokensFile, fmt::format("{}:{}: {}", file, number, what),
                    "a line is NAME ROLE sha256:HEX, as 'weir token new' prints it");
    };
    if (words.size() != 3) return fault("a line has three words");
    const std::optional<Access> access = AccessNamed(words[1]);
    const std::string sha256 = HashIn(words[2]);
    if (!IsPlainName(words[0])) return fault("the first word is no name of a token");
    if (!access) return fault("the second word is none of view, operate, admin");
    if (sha256.empty()) return fault("the third word is not sha256: and 64 hex digits");
    for (const ApiToken& other : tokens) {
      if (other.name == words[0]) return fault("another token has this name");
      if (other.sha256 == sha256) return fault("this token stands in another line as well");
    }
    tokens.push_back({words[0], *access, sha256});
  }
  return tokens;
}

const ApiToken* FindToken(const std::vector<ApiToken>& tokens, std::string_view shown) {
  const std::string sha256 = files::Sha256(shown);
  const ApiToken* found = nullptr;
  for (const ApiToken& token : tokens) {
    if (CRYPTO_memcmp(token.sha256.data(), sha256.data(), sha256.size()) == 0) found = &token;
  }
  return found;
}

NewToken MakeToken(const std::string& name, Access access) {
  const std::string token = "weir_" + RandomId() + RandomId();
  return {token,
          fmt::format("{} {} {}{}", name, NameOf(access), kHashPrefix, Hex(files::Sha256(token)))};
}

Result<std::unique_ptr<Tokens>> Tokens::Open(const std::string& file) {
  auto watched = WEIR_TRY(
      WatchedFiles<std::vector<ApiToken>>::Open({file}, [file] { return ReadTokens(file); }));
  return std::unique_ptr<Tokens>(new Tokens(std::move(watched)));
}

std::optional<ApiToken> Tokens::Find(std::string_view shown) const {
  const std::shared_ptr<const std::vector<ApiToken>> tokens = file_->Get();
  const ApiToken* token = FindToken(*tokens, shown);
  return token ? std::optional(*token) : std::nullopt;
}

}  // namespace weir
