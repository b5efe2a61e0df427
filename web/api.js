// The server's API. The token, where one is needed, is kept for this tab only.

const KEY = "weir-token";
const PATIENCE_MS = 10_000;

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

/** Why something could not be shown. */
export class Trouble extends Error {
  constructor(kind, message, cure = "") {
    super(message);
    this.kind = kind; // away, token, refused
    this.cure = cure;
  }
}

/** What a path under /api/v1 answers. Anything else is thrown as Trouble. */
export async function ask(path) {
  const headers = token.get() ? {Authorization: `Bearer ${token.get()}`} : {};
  let response;
  let answer;
  try {
    response = await fetch(`/api/v1/${path}`, {headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
    const text = await response.text();
    try {
      answer = JSON.parse(text);
    } catch {
      answer = null; // A proxy's own page, perhaps.
    }
  } catch {
    throw new Trouble("away", `${location.host} does not answer.`);
  }
  if (response.ok && answer) return answer;
  const told = answer?.error?.message ?? `${location.host} answers with status ${response.status}.`;
  const cure = answer?.error?.cure ?? "";
  if (response.status === 401) throw new Trouble("token", told, cure);
  throw new Trouble("refused", told, cure);
}
