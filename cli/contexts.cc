#include "cli/contexts.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "daemon/security/errors.h"
#include "state/files.h"

namespace weir {
namespace {

constexpr uint64_t kMostNameBytes = 4096;

std::string FileOfContexts() {
  if (const char* given = std::getenv("WEIR_CONTEXT_FILE")) return given;
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.config/weir/contexts.yaml";
}

std::string CurrentFileOf(const std::string& path) { return path + ".current"; }

}  // namespace

const Spec<ManagerContext>& ManagerContext::Describe() {
  static const Spec<ManagerContext> spec(
      "context", "A manager, and how it is asked.",
      {Required("manager", &ManagerContext::manager, "Where its API is: https://HOST:PORT.",
                NotEmpty),
       Optional("ca", &ManagerContext::ca,
                "The authority that vouches for it, in PEM. Left out: the system's."),
       Optional("token_file", &ManagerContext::token_file, "The file that holds the token alone."),
       Optional("certificate", &ManagerContext::certificate,
                "A certificate of role client, where the manager wants one."),
       Optional("key", &ManagerContext::key, "The key of the certificate.")},
      "test: { manager: \"https://weir.example:9280\", ca: ca.pem, token_file: test.token }");
  return spec;
}

const Spec<Contexts>& Contexts::Describe() {
  static const Spec<Contexts> spec(
      "contexts file", "Managers by name, for --context.",
      {Optional("contexts", &Contexts::contexts, "Managers by name.")},
      "contexts: { test: { manager: \"https://weir.example:9280\" } }");
  return spec;
}

Result<Contexts> Contexts::Read() {
  Contexts contexts;
  contexts.path = FileOfContexts();
  if (!std::filesystem::exists(contexts.path)) return contexts;
  Diagnostics diagnostics;
  Describe().Read(ReadYamlFile(contexts.path, {}, diagnostics), diagnostics, contexts);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  const std::filesystem::path folder = std::filesystem::path(contexts.path).parent_path();
  for (auto& [name, context] : contexts.contexts) {
    for (std::string* path :
         {&context.ca, &context.token_file, &context.certificate, &context.key}) {
      if (!path->empty()) *path = (folder / *path).string();
    }
  }
  bool none = false;
  contexts.current = WEIR_TRY(
      files::Read(errors::kBadContexts, CurrentFileOf(contexts.path), kMostNameBytes, &none));
  while (contexts.current.ends_with('\n')) contexts.current.pop_back();
  return contexts;
}

Result<ManagerContext> Contexts::Find(const std::string& name) const {
  const auto found = contexts.find(name);
  if (found != contexts.end()) return found->second;
  return Status(errors::kBadContexts, fmt::format("there is no context '{}' in {}", name, path),
                "'weir context list' shows those that there are");
}

Status Contexts::Use(const std::string& name) const {
  WEIR_TRY(Find(name));
  return files::Replace(errors::kBadContexts, CurrentFileOf(path), name + "\n");
}

}  // namespace weir
