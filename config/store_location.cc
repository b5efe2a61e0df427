#include "config/store_location.h"

#include "config/errors.h"

namespace weir {
namespace {

constexpr std::string_view kScheme = "s3://";

bool IsPlace(const std::string& url) {
  if (url.starts_with("/") || url.starts_with("file:/")) return true;
  if (!url.starts_with(kScheme)) return false;
  const std::string_view rest = std::string_view(url).substr(kScheme.size());
  const size_t slash = rest.find('/');
  return IsBucketName(std::string(rest.substr(0, slash))) &&
         rest.find("//") == std::string_view::npos && rest.find("/../") == std::string_view::npos &&
         !rest.ends_with("/..");
}

}  // namespace

const Spec<StoreLocation>& StoreLocation::Describe() {
  const auto place = Condition("/path, file:/path or s3://bucket/prefix", IsPlace);
  static const Spec<StoreLocation> spec = SpecWithS3<StoreLocation>(
      "checkpoint_store", "Where checkpoints are kept.",
      "checkpoint_store: { url: s3://bucket/weir, region: eu-central-1 }",
      Bare(&StoreLocation::url, "The url alone.", place),
      Required("url", &StoreLocation::url,
               "A directory (`/path` or `file:/path`), or `s3://bucket/prefix`.", place));
  return spec;
}

StoreLocation StoreLocation::Directory(const std::string& path) {
  StoreLocation location;
  location.url = "file:" + path;
  return location;
}

std::string StoreLocation::path() const {
  std::string path = url.starts_with("file:") ? url.substr(5) : url;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string StoreLocation::bucket() const {
  const std::string rest = url.substr(kScheme.size());
  return rest.substr(0, rest.find('/'));
}

std::string StoreLocation::prefix() const {
  const size_t slash = url.find('/', kScheme.size());
  std::string prefix = slash == std::string::npos ? "" : url.substr(slash + 1);
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, StoreLocation& out) {
  if (!StoreLocation::Describe().Read(node, diagnostics, out)) return false;
  const auto fault = [&](const std::string& message, const std::string& cure) {
    diagnostics.Error(errors::kBadValue, node.place(), message, cure);
    return false;
  };
  if (!out.is_s3() && node.entries().size() > 1) {
    return fault("a directory has no other options than its 'url'", "take the others out");
  }
  return CheckS3Settings(out, node, diagnostics);
}

}  // namespace weir
