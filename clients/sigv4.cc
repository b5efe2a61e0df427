#include "clients/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <map>

#include "base/check.h"
#include "base/hex.h"

namespace weir {
namespace {

std::string Digest(const EVP_MD* kind, std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  WEIR_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                        &size, kind, nullptr) == 1);
  digest.resize(size);
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::string sum(32, '\0');
  unsigned int size = 0;
  const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                   reinterpret_cast<unsigned char*>(sum.data()), &size);
  WEIR_CHECK(made != nullptr && size == sum.size());
  return sum;
}

/// Without spaces at its ends, and with one for each row of them inside.
std::string Squeezed(std::string_view value) {
  std::string squeezed;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && (squeezed.empty() || squeezed.back() == ' ')) continue;
    squeezed += space ? ' ' : c;
  }
  if (squeezed.ends_with(' ')) squeezed.pop_back();
  return squeezed;
}

}  // namespace

std::string Sha256Of(std::string_view bytes) { return Digest(EVP_sha256(), bytes); }

std::string Md5Of(std::string_view bytes) { return Digest(EVP_md5(), bytes); }

std::string AmzDate(EventTime time) {
  const auto seconds = static_cast<std::time_t>(time.us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return {text, length};
}

std::string UriEncode(std::string_view text, bool path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const unsigned char c : text) {
    const bool plain = (c < 0x80 && std::isalnum(c)) || c == '-' || c == '.' || c == '_' ||
                       c == '~' || (path && c == '/');
    if (plain) {
      encoded += static_cast<char>(c);
    } else {
      encoded += '%';
      encoded += kDigits[c >> 4];
      encoded += kDigits[c & 15];
    }
  }
  return encoded;
}

std::string QueryText(const QueryParameters& query) {
  QueryParameters encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(UriEncode(name, false), UriEncode(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += (text.empty() ? "" : "&") + name + "=" + value;
  }
  return text;
}

SigV4Signature SignV4(const SigV4Request& request, const SigV4Scope& scope,
                      const AwsCredentials& credentials) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    std::string lower;
    for (const unsigned char c : name) lower += static_cast<char>(std::tolower(c));
    const auto [at, fresh] = headers.emplace(lower, Squeezed(value));
    if (!fresh) at->second += "," + Squeezed(value);
  }
  std::string header_lines;
  std::string signed_names;
  for (const auto& [name, value] : headers) {
    header_lines += name + ":" + value + "\n";
    signed_names += (signed_names.empty() ? "" : ";") + name;
  }
  SigV4Signature made;
  made.canonical_request = request.method + "\n" + UriEncode(request.path, true) + "\n" +
                           QueryText(request.query) + "\n" + header_lines + "\n" + signed_names +
                           "\n" + request.payload_hash;
  const std::string time = AmzDate(scope.time);
  const std::string day = time.substr(0, 8);
  const std::string in = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  made.string_to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + in + "\n" + Hex(Sha256Of(made.canonical_request));
  std::string key = "AWS4" + credentials.secret_key;
  for (const std::string& step : {day, scope.region, scope.service, std::string("aws4_request")}) {
    key = HmacSha256(key, step);
  }
  made.signature = Hex(HmacSha256(key, made.string_to_sign));
  made.authorization = "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + in +
                       ", SignedHeaders=" + signed_names + ", Signature=" + made.signature;
  return made;
}

}  // namespace weir
