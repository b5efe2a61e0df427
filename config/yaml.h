#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

/// A text the user wrote, by name, with its lines for messages.
struct SourceText {
  std::string name;  ///< File name as the user gave it, or `--set`.
  std::string text;
};

/// A character of a source text; line and column from 1, columns count characters (not bytes).
struct Place {
  std::shared_ptr<const SourceText> source;
  size_t line = 0;
  size_t column = 0;
};

/// A node of a YAML document that knows where it stands. Immutable; cheap to copy.
///
/// Read by ReadYaml, which refuses what weir never means: duplicate keys, aliases and anchors,
/// tags, more than one document, depth over 64, more than 10,000 nodes, more than 1 MiB.
class YamlNode {
 public:
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  YamlNode();
  Kind kind() const;
  /// Scalar: its text after `${VAR}` was filled in.
  const std::string& text() const;
  /// Scalar: written in quotes or as a block, so that `yes` and `010` are meant as text.
  bool quoted() const;
  /// Characters that the scalar takes up on its first line, for carets; 1 for other nodes.
  size_t length() const;
  /// The node, or one inside it, is not what the user meant: a fault in it was told already
  /// (a key that came twice, an expression cut off), and what it says is no ground for another.
  bool faulty() const;
  const std::vector<YamlNode>& items() const;
  const std::vector<Entry>& entries() const;
  /// The value under `key` of a map; null where there is none.
  const YamlNode* Find(std::string_view key) const;
  /// First character of the node (of the text, inside quotes and blocks).
  const Place& place() const;
  /// Place of byte `offset` of text(), mapped back through folding, quotes and escapes.
  Place PlaceAt(size_t offset) const;

  struct Data;
  explicit YamlNode(std::shared_ptr<const Data> data);

 private:
  std::shared_ptr<const Data> data_;
};

struct YamlNode::Entry {
  std::string key;
  Place key_place;
  YamlNode value;
};

/// Collects all faults of a file, so that a user sees them at once. The same fault at the same
/// place is kept once; past 1,000 they are only counted.
class Diagnostics {
 public:
  struct Item {
    bool warning = false;
    const ErrorCode* code = nullptr;
    Place place;
    size_t length = 1;  ///< Characters under the caret line.
    std::string message;
    std::string cure;
  };
  void Error(const ErrorCode& code, const Place& place, std::string message, std::string cure = {},
             size_t length = 1);
  void Warn(const ErrorCode& code, const Place& place, std::string message, std::string cure = {},
            size_t length = 1);
  bool has_errors() const;
  /// False once there are so many faults that guessing what was meant helps nobody.
  bool GuessesLeft() const { return items_.size() < 100; }
  const std::vector<Item>& items() const { return items_; }
  /// All of them (the first 100, and how many more) in order of place, each as
  ///   job.yaml:12:5: error WEIR-J003: unknown key 'tumblng', did you mean 'tumbling'?
  ///     12 |     tumblng: 10s
  ///        |     ^~~~~~~
  /// and, where there is a cure, a last line `       = cure`. Long lines are cut around the caret;
  /// characters that would move a terminal's cursor are shown as `?`.
  std::string Render() const;
  /// Ok, or kInvalid with the rendered text as its message.
  Status ToStatus() const;

 private:
  void Add(Item item);
  std::vector<Item> items_;
  size_t errors_ = 0;
  size_t dropped_ = 0;
};

/// Where `${NAME}` is looked up: what the command line gave first, then the environment.
struct Variables {
  std::map<std::string, std::string, std::less<>> given;
  bool environment = true;
};

/// Reads one YAML document. Faults go to `diagnostics`; where the text is YAML all the same, its
/// tree is returned, so that later checks can tell of more, otherwise a null node.
YamlNode ReadYaml(std::string name, std::string text, const Variables& variables,
                  Diagnostics& diagnostics);

/// Reads `path` (a regular file of at most 1 MiB) and then as ReadYaml, under the name of the path.
YamlNode ReadYamlFile(const std::string& path, const Variables& variables,
                      Diagnostics& diagnostics);

/// Changes one value of a document as if it had been written there: `sources.clicks.kafka.stop` =
/// `latest`. `assignment` is `PATH=VALUE`; the value is YAML, and the places of keys and value are
/// in a text of their own named `--set`. Maps that are missing on the way are made; a way through a
/// scalar or a list is a fault.
YamlNode SetValue(const YamlNode& root, std::string_view assignment, const Variables& variables,
                  Diagnostics& diagnostics);

/// How many characters (not bytes) the UTF-8 text has.
size_t CharacterCount(std::string_view text);

/// `'text'` for a message: cut after 60 characters.
std::string Quoted(std::string_view text);

/// The known name nearest to `name` by edit distance, or empty where none is near.
std::string NearestName(std::string_view name, const std::vector<std::string>& known);

}  // namespace weir
