#include "clients/aws_profile.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "clients/errors.h"

namespace weir {
namespace {

constexpr size_t kMostFileBytes = 1 << 20;

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The profile that a section's header names; none where it is another kind of section.
std::optional<std::string> ProfileOf(std::string_view header, bool of_config) {
  header = Trimmed(header.substr(1, header.find(']') - 1));
  if (!of_config || header == "default") return std::string(header);
  if (!header.starts_with("profile ") && !header.starts_with("profile\t")) return std::nullopt;
  return std::string(Trimmed(header.substr(8)));
}

void ParseFile(std::string_view text, bool of_config, AwsProfiles& profiles) {
  std::istringstream lines{std::string(text)};
  std::map<std::string, std::string>* profile = nullptr;
  AwsProfiles of_file;
  for (std::string line; std::getline(lines, line);) {
    const std::string_view plain = Trimmed(line);
    if (plain.empty() || plain.front() == '#' || plain.front() == ';') continue;
    if (plain.front() == '[') {
      const auto name = ProfileOf(plain, of_config);
      profile = name ? &of_file[*name] : nullptr;
      continue;
    }
    const size_t equals = plain.find('=');
    const bool nested = line.front() == ' ' || line.front() == '\t';
    if (profile == nullptr || equals == std::string_view::npos || nested) continue;
    (*profile)[std::string(Trimmed(plain.substr(0, equals)))] = Trimmed(plain.substr(equals + 1));
  }
  for (const auto& [name, settings] : of_file) {
    profiles[name].insert(settings.begin(), settings.end());
  }
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  std::string text(kMostFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

Status Unusable(std::string message, std::string cure) {
  return Status(errors::kNoCredentials, std::move(message), std::move(cure));
}

/// What only other programs can ask for.
Status NotSupported(const std::string& name, const std::string& setting) {
  if (setting == "mfa_serial") {
    return Unusable("AWS profile '" + name +
                        "' wants mfa_serial, a second factor that nobody is "
                        "there to type",
                    "name a role that can be taken on without it");
  }
  return Unusable("AWS profile '" + name + "' wants " + setting + ", which weir does not support",
                  "write what `aws configure export-credentials --profile " + name +
                      " --format env` prints into the environment, or give weir a role of its own");
}

class Planner {
 public:
  explicit Planner(const AwsProfiles& profiles) : profiles_(profiles) {}

  Result<std::optional<AwsProfilePlan>> Plan(const std::string& name) {
    const auto at = profiles_.find(name);
    if (at == profiles_.end()) return std::optional<AwsProfilePlan>();
    const auto setting = [&](const std::string& key) {
      const auto found = at->second.find(key);
      return found == at->second.end() ? std::string() : found->second;
    };
    const std::string role_arn = setting("role_arn");
    const bool visited = std::find(visited_.begin(), visited_.end(), name) != visited_.end();
    // A role may be taken on with the plain keys of its own profile.
    if (!role_arn.empty() && !(visited && visited_.back() == name)) {
      if (visited) return Circle(name);
      visited_.push_back(name);
      return Roles(name, setting);
    }
    const AwsCredentials keys{setting("aws_access_key_id"), setting("aws_secret_access_key"),
                              setting("aws_session_token")};
    if (keys.access_key.empty() != keys.secret_key.empty()) {
      return Unusable("AWS profile '" + name + "' holds one half of the keys only",
                      "give it both aws_access_key_id and aws_secret_access_key");
    }
    if (!keys.access_key.empty()) {
      AwsProfilePlan plan;
      plan.keys = keys;
      return std::optional(plan);
    }
    for (const char* other : {"credential_process", "sso_session", "sso_start_url"}) {
      if (!setting(other).empty()) return NotSupported(name, other);
    }
    return std::optional<AwsProfilePlan>();
  }

 private:
  template <typename Setting>
  Result<std::optional<AwsProfilePlan>> Roles(const std::string& name, const Setting& setting) {
    if (!setting("mfa_serial").empty()) return NotSupported(name, "mfa_serial");
    const std::string source = setting("source_profile");
    const std::string credential_source = setting("credential_source");
    AwsProfilePlan plan;
    plan.token_file = setting("web_identity_token_file");
    if (!plan.token_file.empty()) {
      plan.begin = AwsProfilePlan::Begin::kWebIdentity;
    } else if (!source.empty()) {
      const std::optional<AwsProfilePlan> begin = WEIR_TRY(Plan(source));
      if (!begin) {
        return Unusable("AWS profile '" + name + "' takes its keys from profile '" + source +
                            "', which holds none",
                        "mend source_profile, or give that profile keys");
      }
      plan = *begin;
    } else if (credential_source == "Environment") {
      plan.begin = AwsProfilePlan::Begin::kEnvironment;
    } else if (credential_source == "Ec2InstanceMetadata") {
      plan.begin = AwsProfilePlan::Begin::kMachine;
    } else if (credential_source == "EcsContainer") {
      plan.begin = AwsProfilePlan::Begin::kContainer;
    } else {
      return Unusable("AWS profile '" + name + "' has a role_arn and does not say with which keys",
                      "give it source_profile, web_identity_token_file, or credential_source: "
                      "Environment, Ec2InstanceMetadata or EcsContainer");
    }
    const std::string session = setting("role_session_name");
    plan.roles.push_back({setting("role_arn"),
                          session.empty() ? std::string(kAwsSessionName) : session,
                          setting("external_id")});
    return std::optional(plan);
  }

  Status Circle(const std::string& name) const {
    std::string circle;
    for (const std::string& each : visited_) circle += each + " -> ";
    return Unusable("AWS profiles take their keys from each other: " + circle + name,
                    "mend source_profile of one of them");
  }

  const AwsProfiles& profiles_;
  std::vector<std::string> visited_;
};

}  // namespace

AwsProfiles ParseAwsProfiles(std::string_view credentials, std::string_view config) {
  AwsProfiles profiles;
  ParseFile(credentials, /*of_config=*/false, profiles);
  ParseFile(config, /*of_config=*/true, profiles);
  return profiles;
}

AwsProfileFiles FindAwsProfileFiles(const VariableLookup& variable) {
  const std::string folder = variable("HOME").value_or("") + "/.aws/";
  return {variable("AWS_SHARED_CREDENTIALS_FILE").value_or(folder + "credentials"),
          variable("AWS_CONFIG_FILE").value_or(folder + "config")};
}

AwsProfiles ReadAwsProfiles(const AwsProfileFiles& files) {
  return ParseAwsProfiles(ReadText(files.credentials), ReadText(files.config));
}

std::string AwsProfileName(const std::string& named, const VariableLookup& variable) {
  if (!named.empty()) return named;
  return variable("AWS_PROFILE").value_or("default");
}

std::optional<std::string> FindAwsRegion(const std::string& named, const VariableLookup& variable) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto region = variable(name)) return region;
  }
  const AwsProfiles profiles = ReadAwsProfiles(FindAwsProfileFiles(variable));
  const auto profile = profiles.find(AwsProfileName(named, variable));
  if (profile == profiles.end()) return std::nullopt;
  const auto region = profile->second.find("region");
  if (region == profile->second.end() || region->second.empty()) return std::nullopt;
  return region->second;
}

Result<std::optional<AwsProfilePlan>> PlanAwsProfile(const std::string& name,
                                                     const AwsProfiles& profiles) {
  return Planner(profiles).Plan(name);
}

}  // namespace weir
