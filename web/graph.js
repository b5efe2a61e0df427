// A job's graph as SVG: sources first, sinks last, an arrow for each way of rows. It runs to the
// right where there is room, and down where there is not.

import {h} from "./dom.js";
import {counted, rate, share} from "./words.js";

const BOX = {width: 224, height: 88};
const GAP = {along: 76, across: 22};
const MARGIN = 12;
const LONGEST_NAME = 27;
// How far it is made smaller to fit, before it runs down, or is scrolled.
const LEAST_SCALE_ACROSS = 0.9;
const LEAST_SCALE = 0.72;
const WAITS_MUCH = 0.1;

/**
 * Where each node lies: {name: {x, y}}, and the size of all. `down`: ranks are rows, else columns.
 * A node's rank is one more than the greatest of its inputs; within a rank, nodes lie about where
 * their inputs do.
 */
export function layOut(nodes, down) {
  const inputs = new Map(nodes.map((node) => [node.name, node.inputs]));
  const ranks = new Map();
  const rankOf = (name) => {
    if (!ranks.has(name)) {
      ranks.set(name, 0); // Ends a walk in a circle, which no plan has.
      ranks.set(name, Math.max(-1, ...(inputs.get(name) ?? []).map(rankOf)) + 1);
    }
    return ranks.get(name);
  };
  const rows = [];
  for (const node of nodes) (rows[rankOf(node.name)] ??= []).push(node.name);
  const place = new Map();
  for (const row of rows) {
    const middle = (name) => {
      const of = inputs.get(name).map((input) => place.get(input));
      return of.length ? of.reduce((sum, at) => sum + at, 0) / of.length : 0;
    };
    const wish = new Map(row.map((name, i) => [name, [middle(name), i]]));
    row.sort((a, b) => wish.get(a)[0] - wish.get(b)[0] || wish.get(a)[1] - wish.get(b)[1]);
    // Each as near to its wish as its neighbours leave it room; then all of them evenly off theirs.
    let last = -Infinity;
    for (const name of row) place.set(name, last = Math.max(last + 1, wish.get(name)[0]));
    const off = row.reduce((sum, name) => sum + place.get(name) - wish.get(name)[0], 0) / row.length;
    for (const name of row) place.set(name, place.get(name) - off);
  }
  const least = Math.min(...place.values());
  const most = Math.max(...place.values());
  const [step, side] = down
    ? [BOX.height + GAP.along * 0.7, BOX.width + GAP.across]
    : [BOX.width + GAP.along, BOX.height + GAP.across];
  const at = {};
  for (const name of place.keys()) {
    const along = MARGIN + rankOf(name) * step;
    const across = MARGIN + (place.get(name) - least) * side;
    at[name] = down ? {x: across, y: along} : {x: along, y: across};
  }
  const length = 2 * MARGIN + (rows.length - 1) * step + (down ? BOX.height : BOX.width);
  const breadth = 2 * MARGIN + (most - least) * side + (down ? BOX.width : BOX.height);
  return {at, width: down ? breadth : length, height: down ? length : breadth};
}

function cut(name) {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

/** What flows through a node. */
export function flow(node, flows) {
  if (!flows || node.in_per_second === undefined) return "no rate yet";
  if (node.role === "source") return `${rate(node.out_per_second)} read`;
  if (node.role === "sink") return `${rate(node.out_per_second)} ${node.dead_letters ? "set aside" : "written"}`;
  return `${rate(node.in_per_second)} → ${rate(node.out_per_second)}`.replace(" rows/s →", " →");
}

/** What holds something up there, in words; none: nothing. */
export function marks(node, fragment, flows) {
  if (!flows) return [];
  return [
    fragment?.slowest ? "slowest: holds rows up" : null,
    fragment?.waiting >= WAITS_MUCH ? `held up: waits ${share(fragment.waiting)}` : null,
    node.holds_watermark ? "holds the watermark" : null,
  ].filter(Boolean);
}

function box(node, fragment, first, at, flows) {
  const marked = first || node.holds_watermark ? marks(node, first ? fragment : null, flows) : [];
  const kind = node.dead_letters ? "dead letters" : node.role;
  const tasks = first
    ? `${counted(fragment.tasks, "task")}${flows && fragment.busy !== undefined ? `, busy ${share(fragment.busy)}` : ""}`
    : cut(`in the tasks of ${node.fragment}`);
  const text = (line, name, words) => h("text", {x: at.x + 12, y: at.y + line, class: name}, words);
  return h("g", {class: `node ${node.role}${marked.length ? " marked" : ""}`},
    h("title", {}, `${kind} ${node.name}`),
    h("rect", {x: at.x, y: at.y, width: BOX.width, height: BOX.height, rx: 8}),
    text(21, "name", cut(node.name)),
    h("text", {x: at.x + BOX.width - 12, y: at.y + 21, class: "kind", "text-anchor": "end"},
      node.name.length < 19 ? kind : ""),
    text(41, "rate", flow(node, flows)),
    text(59, "tasks", tasks),
    marked.length ? text(78, "mark", `▲ ${marked.join(", ")}`) : null);
}

function arrow(from, to, exchange, rejects, down) {
  const [x1, y1] = down ? [from.x + BOX.width / 2, from.y + BOX.height] : [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = down ? [to.x + BOX.width / 2, to.y - 7] : [to.x - 7, to.y + BOX.height / 2];
  const bend = down ? `${x1},${(y1 + y2) / 2} ${x2},${(y1 + y2) / 2}` : `${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2}`;
  const words = rejects ? "rejected" : exchange;
  return h("g", {class: `arrow${exchange ? " exchange" : ""}${rejects ? " rejects" : ""}`},
    h("path", {d: `M${x1},${y1} C${bend} ${x2},${y2}`, "marker-end": "url(#tip)"}),
    words ? h("text", {x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 6, "text-anchor": "middle"},
      words.length > 16 ? `${words.slice(0, 15)}…` : words, h("title", {}, words)) : null);
}

/** The picture; the tables below it tell the same to those who do not see it. */
export function graph(details, room, flows) {
  const {nodes, exchanges, fragments} = details;
  const across = layOut(nodes, false);
  const down = across.width * LEAST_SCALE_ACROSS > room;
  const {at, width, height} = down ? layOut(nodes, true) : across;
  const scale = Math.min(1, Math.max(LEAST_SCALE, (room - 2) / width));
  const fragmentOf = new Map(fragments.map((fragment) => [fragment.name, fragment]));
  const firsts = new Set(fragments.map((one) => nodes.find((node) => node.fragment === one.name)?.name));
  const how = new Map(exchanges.map((one) => [JSON.stringify([one.from, one.to]), one.how]));
  return h("div", {class: "graph", tabindex: "0", role: "group", "aria-label": "Graph of the job"},
    h("svg", {width: Math.floor(width * scale), height: Math.floor(height * scale), viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Sources, steps and sinks"},
      h("defs", {}, h("marker", {id: "tip", viewBox: "0 0 8 8", refX: "2", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto"},
        h("path", {d: "M0,0 L8,4 L0,8 z"}))),
      nodes.flatMap((node) => node.inputs.map((input) =>
        arrow(at[input], at[node.name], how.get(JSON.stringify([input, node.name])), node.dead_letters, down))),
      nodes.map((node) =>
        box(node, fragmentOf.get(node.fragment), firsts.has(node.name), at[node.name], flows))));
}
