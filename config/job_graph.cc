#include "config/job_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "config/errors.h"

namespace weir {
namespace {

class GraphChecker {
 public:
  GraphChecker(JobSpec& job, Diagnostics& diagnostics) : job_(job), diagnostics_(diagnostics) {}

  void Check() {
    for (SourceSpec& source : job_.sources) TakeName(source);
    for (StepSpec& step : job_.steps) TakeName(step);
    for (SinkSpec& sink : job_.sinks) TakeName(sink);
    for (const SourceSpec& source : job_.sources) readable_.push_back(source.name);
    for (const StepSpec& step : job_.steps) readable_.push_back(step.name);
    is_readable_.insert(readable_.begin(), readable_.end());
    for (StepSpec& step : job_.steps) Resolve(step, step.from);
    for (SinkSpec& sink : job_.sinks) Resolve(sink, sink.from);
    TellUnused();
    SortSteps();
  }

 private:
  void TakeName(NodeSpec& node) {
    const auto [other, fresh] = names_.emplace(node.name, node.place);
    if (fresh) return;
    diagnostics_.Error(errors::kNameTaken, node.place,
                       "the name " + Quoted(node.name) + " is taken already, in line " +
                           std::to_string(other->second.line),
                       "sources, steps and sinks need names of their own",
                       CharacterCount(node.name));
    node.sound = false;
  }

  /// Drops references to what can't be read, after telling of them.
  void Resolve(NodeSpec& node, std::vector<NodeReference>& from) {
    std::vector<NodeReference> kept;
    for (NodeReference& reference : from) {
      if (is_readable_.contains(reference.name)) {
        used_.insert(reference.name);
        kept.push_back(std::move(reference));
        continue;
      }
      node.sound = false;
      if (names_.contains(reference.name)) {
        diagnostics_.Error(errors::kUnknownNode, reference.place,
                           Quoted(reference.name) + " is a sink, which nobody can read", {},
                           CharacterCount(reference.name));
        continue;
      }
      const std::string near =
          diagnostics_.GuessesLeft() ? NearestName(reference.name, readable_) : std::string();
      used_.insert(near);  // One slip of the pen is one fault.
      std::string all;
      for (size_t i = 0; i < std::min<size_t>(readable_.size(), 20); ++i) {
        all += (i == 0 ? "" : ", ") + readable_[i];
      }
      diagnostics_.Error(errors::kUnknownNode, reference.place,
                         "there is no node " + Quoted(reference.name) +
                             (near.empty() ? "" : ", did you mean '" + near + "'?"),
                         near.empty() && !all.empty() ? "there are " + all : "",
                         CharacterCount(reference.name));
    }
    from = std::move(kept);
  }

  void TellUnused() {
    const auto tell = [&](const NodeSpec& node, std::string_view what) {
      if (used_.contains(node.name)) return;
      diagnostics_.Error(errors::kUnusedNode, node.place,
                         "nobody reads the " + std::string(what) + " " + Quoted(node.name),
                         "name it in the 'from' of a step or sink, or take it out",
                         CharacterCount(node.name));
    };
    for (const SourceSpec& source : job_.sources) tell(source, "source");
    for (const StepSpec& step : job_.steps) tell(step, "step");
  }

  /// Takes steps whose inputs are all there, in the order of the file, until none is left but
  /// circles and what hangs on them.
  void SortSteps() {
    std::map<std::string, size_t> step_of;
    for (size_t i = 0; i < job_.steps.size(); ++i) step_of.emplace(job_.steps[i].name, i);
    std::vector<size_t> waits(job_.steps.size(), 0);
    std::vector<std::vector<size_t>> readers(job_.steps.size());
    for (size_t i = 0; i < job_.steps.size(); ++i) {
      for (const NodeReference& reference : job_.steps[i].from) {
        const auto step = step_of.find(reference.name);
        if (step == step_of.end()) continue;
        ++waits[i];
        readers[step->second].push_back(i);
      }
    }
    std::set<size_t> ready;
    for (size_t i = 0; i < waits.size(); ++i) {
      if (waits[i] == 0) ready.insert(i);
    }
    std::vector<size_t> order;
    while (!ready.empty()) {
      const size_t next = *ready.begin();
      ready.erase(ready.begin());
      order.push_back(next);
      for (size_t reader : readers[next]) {
        if (--waits[reader] == 0) ready.insert(reader);
      }
    }
    if (order.size() < job_.steps.size()) TellCircles(step_of, waits);
    std::vector<StepSpec> sorted;
    for (size_t i : order) sorted.push_back(std::move(job_.steps[i]));
    const bool all = order.size() == job_.steps.size();
    job_.steps = std::move(sorted);
    if (!all) DropUnlisted();
  }

  /// Walks back from each step that waits; where the walk meets itself there is a circle.
  void TellCircles(const std::map<std::string, size_t>& step_of, const std::vector<size_t>& waits) {
    std::set<size_t> seen;
    for (size_t start = 0; start < waits.size(); ++start) {
      if (waits[start] == 0) continue;
      std::vector<size_t> path;
      size_t at = start;
      while (seen.insert(at).second) {
        path.push_back(at);
        for (const NodeReference& reference : job_.steps[at].from) {
          const auto step = step_of.find(reference.name);
          if (step == step_of.end() || waits[step->second] == 0) continue;
          at = step->second;
          break;
        }
      }
      const auto meets = std::find(path.begin(), path.end(), at);
      if (meets != path.end()) TellCircle({meets, path.end()});
    }
  }

  void TellCircle(std::vector<size_t> circle) {
    // The walk went against the rows; tell it in their direction, from the step named first.
    std::reverse(circle.begin(), circle.end());
    std::rotate(circle.begin(), std::min_element(circle.begin(), circle.end()), circle.end());
    const StepSpec& first = job_.steps[circle.front()];
    std::string path;
    for (size_t i = 0; i < std::min<size_t>(circle.size(), 20); ++i) {
      path += job_.steps[circle[i]].name + " -> ";
    }
    if (circle.size() > 20) path += "… -> ";
    Place place = first.place;
    for (const NodeReference& reference : first.from) {
      if (reference.name == job_.steps[circle.back()].name) place = reference.place;
    }
    diagnostics_.Error(errors::kCycle, place,
                       "the steps go round in a circle: " + path + first.name, {},
                       CharacterCount(job_.steps[circle.back()].name));
  }

  void DropUnlisted() {
    const auto drop = [&](NodeSpec& node, std::vector<NodeReference>& from) {
      const size_t before = from.size();
      std::erase_if(from, [&](const NodeReference& reference) {
        return !job_.FindStep(reference.name) && !job_.FindSource(reference.name);
      });
      if (from.size() < before) node.sound = false;
    };
    for (StepSpec& step : job_.steps) drop(step, step.from);
    for (SinkSpec& sink : job_.sinks) drop(sink, sink.from);
  }

  JobSpec& job_;
  Diagnostics& diagnostics_;
  std::map<std::string, Place> names_;
  std::vector<std::string> readable_;
  std::set<std::string> is_readable_;
  std::set<std::string> used_;
};

}  // namespace

void CheckGraph(JobSpec& job, Diagnostics& diagnostics) { GraphChecker(job, diagnostics).Check(); }

}  // namespace weir
