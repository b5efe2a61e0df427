#include "clients/aws_credentials.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "clients/errors.h"

namespace weir {
namespace {

constexpr size_t kMostFileBytes = 1 << 20;

using Section = std::map<std::string, std::string>;

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// One section of a file in AWS's form; none where there is no such file or section. Indented lines
/// belong to the setting above them (`s3 =` and the like) and say nothing of keys.
std::optional<Section> ReadSection(const std::string& path, const std::string& header) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kMostFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  std::istringstream lines(text);
  std::optional<Section> section;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const std::string_view plain = Trimmed(line);
    if (plain.empty() || plain.front() == '#' || plain.front() == ';') continue;
    if (plain.front() == '[') {
      inside = Trimmed(plain.substr(1, plain.find(']') - 1)) == header;
      if (inside && !section) section.emplace();
      continue;
    }
    const size_t equals = plain.find('=');
    if (!inside || equals == std::string_view::npos || line.front() == ' ' ||
        line.front() == '\t') {
      continue;
    }
    (*section)[std::string(Trimmed(plain.substr(0, equals)))] = Trimmed(plain.substr(equals + 1));
  }
  return section;
}

std::string Value(const VariableLookup& variable, const std::string& name) {
  return variable(name).value_or(std::string());
}

struct Profile {
  std::string name;
  std::string files;  ///< Where it was looked for, for messages.
  bool found = false;
  Section settings;  ///< Those of `credentials` go before those of `config`.
};

Profile ReadProfile(const std::string& named, const VariableLookup& variable) {
  Profile profile;
  profile.name = named.empty() ? Value(variable, "AWS_PROFILE") : named;
  if (profile.name.empty()) profile.name = "default";
  const std::string home = Value(variable, "HOME");
  std::string credentials = Value(variable, "AWS_SHARED_CREDENTIALS_FILE");
  if (credentials.empty()) credentials = home + "/.aws/credentials";
  std::string config = Value(variable, "AWS_CONFIG_FILE");
  if (config.empty()) config = home + "/.aws/config";
  profile.files = credentials + " or " + config;
  const std::string in_config = profile.name == "default" ? "default" : "profile " + profile.name;
  for (const auto& section :
       {ReadSection(credentials, profile.name), ReadSection(config, in_config)}) {
    if (!section) continue;
    profile.found = true;
    profile.settings.insert(section->begin(), section->end());
  }
  return profile;
}

Status NoKeys(std::string message) {
  return Status(errors::kNoCredentials, std::move(message),
                "set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "name a profile that holds aws_access_key_id and aws_secret_access_key");
}

}  // namespace

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Result<AwsCredentials> FindAwsCredentials(const std::string& named,
                                          const VariableLookup& variable) {
  if (named.empty()) {
    AwsCredentials keys{Value(variable, "AWS_ACCESS_KEY_ID"),
                        Value(variable, "AWS_SECRET_ACCESS_KEY"),
                        Value(variable, "AWS_SESSION_TOKEN")};
    if (!keys.access_key.empty() && !keys.secret_key.empty()) return keys;
    if (keys.access_key.empty() != keys.secret_key.empty()) {
      return NoKeys(
          std::string(keys.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID") +
          " is set, and the other half of the keys is not");
    }
  }
  const Profile profile = ReadProfile(named, variable);
  const auto setting = [&](const std::string& name) {
    const auto at = profile.settings.find(name);
    return at == profile.settings.end() ? std::string() : at->second;
  };
  AwsCredentials keys{setting("aws_access_key_id"), setting("aws_secret_access_key"),
                      setting("aws_session_token")};
  // A role that is to be taken on with these keys is not these keys.
  for (const char* other : {"role_arn", "source_profile", "credential_source", "credential_process",
                            "sso_session", "sso_start_url", "web_identity_token_file"}) {
    if (setting(other).empty()) continue;
    return NoKeys("AWS profile '" + profile.name + "' wants " + other +
                  ", which this version cannot use yet");
  }
  if (!keys.access_key.empty() && !keys.secret_key.empty()) return keys;
  if (profile.found && keys.access_key.empty() != keys.secret_key.empty()) {
    return NoKeys("AWS profile '" + profile.name + "' holds one half of the keys only");
  }
  for (const char* other : {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                            "AWS_CONTAINER_CREDENTIALS_FULL_URI"}) {
    if (Value(variable, other).empty()) continue;
    return NoKeys(std::string(other) + " is set, which this version cannot use yet");
  }
  if (!profile.found) {
    return NoKeys("no AWS keys: none in the environment, and no profile '" + profile.name +
                  "' in " + profile.files);
  }
  return NoKeys("AWS profile '" + profile.name + "' in " + profile.files + " holds no keys");
}

std::optional<std::string> FindAwsRegion(const std::string& named, const VariableLookup& variable) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto region = variable(name)) return region;
  }
  const Profile profile = ReadProfile(named, variable);
  const auto at = profile.settings.find("region");
  if (at == profile.settings.end() || at->second.empty()) return std::nullopt;
  return at->second;
}

}  // namespace weir
