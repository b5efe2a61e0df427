// Which view is shown, and when the server is asked for it.

import {ask, token, Trouble} from "./api.js";
import {h, show} from "./dom.js";
import {jobView} from "./job.js";
import {jobsView} from "./jobs.js";
import {workersView} from "./workers.js";
import {span} from "./words.js";

const EVERY_MS = 1500;

const element = (id) => document.getElementById(id);
const view = element("view");

let shown = ""; // The address that the view was last drawn for.
let drawnAt = 0; // When, by performance.now(); 0: not yet.
let asking = 0; // Number of the newest question: answers to older ones are not shown.
let timer = 0;

/** What an address asks for, and how the answer looks. */
function routeOf(hash) {
  const job = /^#\/jobs\/([^/]+)$/.exec(hash);
  if (job) {
    const name = decoded(job[1]);
    return {
      title: name,
      path: `jobs/${encodeURIComponent(name)}`,
      draw: (answer, now) => jobView(answer, now, view.clientWidth),
      here: "to-jobs",
    };
  }
  if (hash === "#/workers") return {title: "Workers", path: "workers", draw: workersView, here: "to-workers"};
  return {title: "Jobs", path: "jobs", draw: jobsView, here: "to-jobs"};
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++asking;
  const route = routeOf(location.hash);
  document.title = `${route.title} – weir`;
  for (const id of ["to-jobs", "to-workers"]) {
    if (id === route.here) element(id).setAttribute("aria-current", "page");
    else element(id).removeAttribute("aria-current");
  }
  if (route.path !== shown) {
    show(view, [h("p", {class: "quiet"}, "Asking the server…")]);
    shown = route.path;
    drawnAt = 0;
  }
  try {
    const answer = await ask(route.path);
    if (mine !== asking) return;
    show(view, route.draw(answer, Date.now()));
    drawnAt = performance.now();
    tellTrouble(null);
  } catch (trouble) {
    if (mine !== asking) return;
    if (!(trouble instanceof Trouble)) throw trouble;
    tellTrouble(trouble);
  }
  if (document.visibilityState === "visible") timer = setTimeout(refresh, EVERY_MS);
}

function tellTrouble(trouble) {
  const box = element("trouble");
  box.hidden = trouble === null;
  element("token-form").hidden = trouble?.kind !== "token";
  element("forget-token").hidden = token.get() === "";
  const old = drawnAt ? `What is shown is ${span((performance.now() - drawnAt) / 1000)} old.` : "";
  view.classList.toggle("old", trouble !== null);
  if (trouble === null) {
    show(element("freshness"), [h("span", {class: "badge good"}, "live")]);
    return;
  }
  show(element("freshness"), [h("span", {class: "badge bad"}, "not live")]);
  const lead = {
    away: "The server cannot be reached.",
    token: token.get() ? "The API token is not taken." : "This server wants an API token.",
    refused: "The server does not tell this.",
  }[trouble.kind];
  show(box, [h("strong", {}, lead), ` ${[trouble.message, trouble.cure].filter(Boolean).join(" – ")} `, old,
    trouble.kind === "away" ? " It is asked again every second or two." : ""].filter(Boolean));
  if (!drawnAt) show(view, []);
}

element("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(element("token").value.trim());
  element("token").value = "";
  refresh();
});
element("forget-token").addEventListener("click", () => {
  token.forget();
  shown = "";
  refresh();
});
addEventListener("hashchange", () => {
  scrollTo(0, 0);
  refresh();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") refresh();
  else clearTimeout(timer);
});
refresh();
