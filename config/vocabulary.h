#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

class SpecBase;

/// A connector, format, connection kind or clause that a job may name.
struct Word {
  std::string name;
  std::string help;
  bool not_yet = false;                  ///< Known, and refused: comes in a later version.
  const SpecBase* options = nullptr;     ///< Declaration of its options, null where it has none.
  std::vector<std::string> expressions;  ///< Options of a sink that are expressions.
};

/// The words of the job language that `config/` doesn't know by itself. The caller fills it from
/// the tables of connectors, formats and clauses.
struct Vocabulary {
  std::vector<Word> sources;      ///< Connectors that can be sources.
  std::vector<Word> sinks;        ///< Connectors that can be sinks (and dead letters).
  std::vector<Word> connections;  ///< Kinds of connections.
  std::vector<Word> formats;
  std::vector<Word> clauses;  ///< Keys of a step, in order of meaning.
};

/// Null where there is none of that name.
const Word* FindWord(const std::vector<Word>& words, std::string_view name);
/// Their names, in order.
std::vector<std::string> WordNames(const std::vector<Word>& words);

}  // namespace weir
