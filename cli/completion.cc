#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manager_client.h"
#include "cli/suggest.h"

/// Completion in shells. What is suggested is decided here, when a key is pressed, for all of them:
/// their scripts hand the words over and show what comes back.
namespace weir {
namespace {

// First line: what of its own the shell is to add (none, files, directories). Then a suggestion a
// line, with its help behind a tab.
constexpr std::string_view kBash = R"(# bash completion for weir; made by 'weir completion bash'
_weir() {
  local -a answer
  local line
  mapfile -t answer < <("${COMP_WORDS[0]}" completion suggest -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  for line in "${answer[@]:1}"; do COMPREPLY+=("${line%%$'\t'*}"); done
  case "${answer[0]-}" in
    files) compopt -o default 2>/dev/null ;;
    directories) compopt -o dirnames 2>/dev/null ;;
  esac
}
complete -F _weir weir
)";

constexpr std::string_view kZsh = R"(#compdef weir
# zsh completion for weir; made by 'weir completion zsh'
_weir() {
  local -a answer described
  local line
  answer=("${(@f)$("${words[1]}" completion suggest -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${(@)answer[2,-1]}"; do
    described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  (( ${#described} )) && _describe -V weir described
  case "${answer[1]}" in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
if [ "${funcstack[1]}" = _weir ]; then
  _weir "$@"
else
  compdef _weir weir
fi
)";

constexpr std::string_view kFish = R"(# fish completion for weir; made by 'weir completion fish'
function __weir_suggest
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    set -l answer ($words[1] completion suggest -- $words[2..] "$begun" 2>/dev/null)
    set -l others "$answer[1]"
    set -e answer[1]
    test (count $answer) -gt 0; and printf '%s\n' $answer
    switch "$others"
        case files
            __fish_complete_path "$begun"
        case directories
            __fish_complete_directories "$begun"
    end
end
complete -c weir -f -a '(__weir_suggest)'
)";

/// A key was pressed: a manager that does not answer at once is none.
constexpr Duration kPatience = Duration::Millis(500);

/// Names of what the manager keeps under `list`; none where it does not answer.
std::vector<Suggestions::Word> AskNames(const std::string& list, const std::string& name,
                                        const std::string& begun) {
  const ManagerClient client(ClientArguments{}, kPatience);
  std::vector<Suggestions::Word> names;
  const auto answer = client.Get("/api/v1/" + list);
  if (!answer.ok()) return names;
  for (const auto& one : answer->value(list, nlohmann::ordered_json::array())) {
    const std::string text = one.value(name, "");
    if (text.starts_with(begun)) names.push_back({text, one.value("state", "")});
  }
  return names;
}

int PrintSuggestions(const CLI::App& program, const std::vector<std::string>& words) {
  using Others = Suggestions::Others;
  Suggestions found = Suggest(program, words);
  if (found.others == Others::kJobs) {
    found.words = AskNames("jobs", "name", words.back());
    found.others = found.words.empty() ? Others::kFiles : Others::kNone;
  } else if (found.others == Others::kWorkers) {
    found.words = AskNames("workers", "id", words.back());
    found.others = Others::kNone;
  }
  fmt::print("{}\n", found.others == Others::kFiles         ? "files"
                     : found.others == Others::kDirectories ? "directories"
                                                            : "none");
  for (const Suggestions::Word& word : found.words) fmt::print("{}\t{}\n", word.text, word.help);
  return kExitDone;
}

}  // namespace

std::function<int()> AddCompletion(CLI::App& app) {
  app.require_subcommand(1);
  CLI::App* bash = app.add_subcommand("bash", "For bash: source <(weir completion bash)");
  CLI::App* zsh = app.add_subcommand("zsh", "For zsh: source <(weir completion zsh)");
  CLI::App* fish = app.add_subcommand("fish", "For fish: weir completion fish | source");
  CLI::App* suggest = app.add_subcommand("suggest", "What may stand for the last of the words.");
  suggest->group("");  // For the scripts.
  auto words = std::make_shared<std::vector<std::string>>();
  suggest->add_option("words", *words, "What was written after the program's name.");
  return [&app, bash, zsh, fish, words] {
    if (bash->parsed()) return fmt::print("{}", kBash), static_cast<int>(kExitDone);
    if (zsh->parsed()) return fmt::print("{}", kZsh), static_cast<int>(kExitDone);
    if (fish->parsed()) return fmt::print("{}", kFish), static_cast<int>(kExitDone);
    return PrintSuggestions(*app.get_parent(), *words);
  };
}

}  // namespace weir
