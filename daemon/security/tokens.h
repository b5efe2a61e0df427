#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/security/watched_files.h"

namespace weir {

/// What somebody may do at the API; each has all rights of those before it.
enum class Access {
  kPublic,   ///< Needs no token.
  kView,     ///< Looks.
  kOperate,  ///< Keeps what there is running: savepoint, rescale, restart, stop, drain.
  kAdmin,    ///< Brings and ends jobs: submit, upgrade, cancel.
};
/// `operate`.
std::string_view NameOf(Access access);
/// Of a token: `view`, `operate` or `admin`.
std::optional<Access> AccessNamed(std::string_view name);

/// A token as its file knows it.
struct ApiToken {
  std::string name;
  Access access = Access::kView;
  std::string sha256;  ///< 32 bytes.
};

/// A line of the file for each: `NAME ROLE sha256:HEX`; empty lines and those with `#` in front
/// count for nothing. WEIR-T006 with the line where it is not so, or a name or hash comes twice.
Result<std::vector<ApiToken>> ParseTokens(std::string_view text, const std::string& file);

/// The token that was shown. Takes as long whichever it is, and if it is none.
const ApiToken* FindToken(const std::vector<ApiToken>& tokens, std::string_view shown);

struct NewToken {
  std::string token;  ///< Known to nobody else, kept nowhere.
  std::string line;   ///< For the file.
};
NewToken MakeToken(const std::string& name, Access access);

/// The tokens of a file that only its owner can read; read again when it changes. Thread safe.
class Tokens {
 public:
  static Result<std::unique_ptr<Tokens>> Open(const std::string& file);
  /// Whose token it is; none where nobody's.
  std::optional<ApiToken> Find(std::string_view shown) const;

 private:
  explicit Tokens(std::unique_ptr<WatchedFiles<std::vector<ApiToken>>> file)
      : file_(std::move(file)) {}
  const std::unique_ptr<WatchedFiles<std::vector<ApiToken>>> file_;
};

}  // namespace weir
