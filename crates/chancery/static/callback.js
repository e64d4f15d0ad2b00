"use strict";

const page = document.getElementById("callback");
const lead = document.getElementById("lead");

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The header and payload of a JWT; null for an opaque token. */
function decode(token) {
  const parts = token.split(".");
  if (parts.length !== 3) return null;
  try {
    return parts.slice(0, 2).map((part) => {
      const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
    });
  } catch {
    return null;
  }
}

function fail(text, details) {
  document.getElementById("title").textContent = "It did not work";
  lead.textContent = "The server said no:";
  lead.after(element("p", { class: "alert", id: "error" }, text));
  if (details) showFields(details);
}

/** Everything that came back, secrets shortened to what fits a line. */
function showFields(fields) {
  const list = document.getElementById("fields");
  for (const [name, value] of fields) {
    list.append(element("dt", {}, name), element("dd", {}, element("code", {}, value)));
  }
  document.getElementById("raw").hidden = list.children.length === 0;
}

function showToken(title, id, token) {
  const card = element("section", { class: "card", id }, element("h2", {}, title));
  const decoded = decode(token);
  if (decoded) {
    const [header, payload] = decoded;
    if (typeof payload.scope === "string") {
      const chips = payload.scope.split(" ").map((scope) =>
        element("li", scope.includes(":") ? {} : { class: "plain" }, scope));
      card.append(element("ul", { class: "chips", "aria-label": "Granted scopes" }, ...chips));
    }
    card.append(element("pre", { class: "wrap payload" }, JSON.stringify(payload, null, 2)));
    card.append(element("details", {}, element("summary", {}, "Header"),
      element("pre", { class: "wrap" }, JSON.stringify(header, null, 2))));
  } else {
    card.append(element("p", { class: "note" }, "An opaque token: good for /userinfo alone."));
  }
  card.append(element("details", {}, element("summary", {}, "As sent"), element("pre", { class: "wrap raw" }, token)));
  document.getElementById("tokens").append(card);
  return decoded;
}

function showTokens(tokens) {
  const claims = tokens.access_token ? showToken("Access token", "access-token", tokens.access_token)?.[1] : null;
  const granted = claims?.scope ?? "";
  const who = tokens.id_token ? showToken("ID token", "id-token", tokens.id_token)?.[1] : null;
  const name = who?.name ?? who?.email ?? who?.sub;
  lead.textContent = [
    name ? `Signed in as ${name}.` : "Signed in.",
    granted.includes(":") ? `The access token carries ${granted.split(" ").filter((s) => s.includes(":")).join(", ")}.` : "",
  ].join(" ");
  if (tokens.access_token) useApi(tokens.access_token, claims);
}

/** Calls the API at once to read, as an application would; what changes something waits for a click. */
function useApi(token, claims) {
  document.getElementById("api").hidden = false;
  for (const button of document.querySelectorAll("[data-call]")) {
    button.addEventListener("click", () => callApi(token, button.dataset.call, button.textContent));
  }
  const audiences = [claims?.aud ?? []].flat();
  if (audiences.includes(page.dataset.audience)) {
    const reading = document.getElementById("reading");
    return callApi(token, reading.dataset.call, reading.textContent);
  }
  document.getElementById("api-note").textContent =
    "This token is not for the Contacts API, which refuses it: ask for it with the parameter audience.";
}

async function callApi(token, call, title) {
  const [method, path] = call.split(" ");
  const entry = element("div", { class: "answer" });
  document.getElementById("calls").prepend(entry);
  try {
    const answer = await fetch(path, { method, headers: { authorization: `Bearer ${token}` } });
    showAnswer(entry, title, answer, await answer.json());
  } catch (error) {
    entry.append(element("span", { class: "status bad" }, "no answer"), ` ${title}: ${error.message}`);
  }
}

function showAnswer(entry, title, answer, body) {
  entry.append(element("p", {},
    element("span", { class: `status ${answer.ok ? "good" : "bad"}` }, String(answer.status)), ` ${title}: ${inWords(answer, body)}`));
  if (Array.isArray(body.contacts) && body.contacts.length > 0) entry.append(contactTable(body.contacts));
  const details = element("details", {}, element("summary", {}, "As sent"),
    element("pre", { class: "wrap" }, JSON.stringify(body, null, 2)));
  const challenge = answer.headers.get("www-authenticate");
  if (challenge) details.append(element("p", { class: "note" }, `WWW-Authenticate: ${challenge}`));
  entry.append(details);
}

/** The answer in a sentence. */
function inWords(answer, body) {
  if (Array.isArray(body.contacts)) return body.contacts.length > 0 ? "these are your contacts." : "no contacts are left.";
  if (answer.ok) return `contact ${body.deleted} is deleted.`;
  return `refused: ${body.error_description ?? body.error} (${body.error}).`;
}

function contactTable(contacts) {
  const rows = contacts.map(({ id, name, email }) =>
    element("tr", {}, ...[String(id), name, email].map((text) => element("td", {}, text))));
  const heads = ["Number", "Name", "Address"].map((text) => element("th", { scope: "col" }, text));
  return element("table", { class: "contacts" },
    element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
}

async function exchange(code, flow) {
  const answer = await fetch("/oauth/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: page.dataset.clientId,
      code,
      code_verifier: flow.verifier,
      redirect_uri: flow.redirectUri,
    }),
  });
  const body = await answer.json();
  if (!answer.ok) return fail(`${body.error}: ${body.error_description}`, Object.entries(body));
  showTokens(body);
  showFields(Object.entries(body).filter(([name]) => !["access_token", "id_token"].includes(name)));
}

function begin() {
  const parameters = new URLSearchParams(location.search);
  for (const text of [location.hash.slice(1), page.dataset.posted]) {
    for (const [name, value] of new URLSearchParams(text)) parameters.set(name, value);
  }
  // Tokens do not stay in the history.
  history.replaceState(null, "", location.pathname);
  const stored = sessionStorage.getItem("chancery-code-flow");
  sessionStorage.removeItem("chancery-code-flow");
  const flow = stored ? JSON.parse(stored) : null;

  if (parameters.has("error")) {
    return fail(`${parameters.get("error")}: ${parameters.get("error_description") ?? ""}`, parameters);
  }
  if (parameters.has("code") && flow) {
    if (flow.state !== parameters.get("state")) return fail("The state is not the one that was sent.", parameters);
    return exchange(parameters.get("code"), flow);
  }
  if (parameters.has("access_token") || parameters.has("id_token")) showTokens(Object.fromEntries(parameters));
  else if (parameters.has("code")) lead.textContent = "A code came back, for an application that began elsewhere to exchange.";
  else if (parameters.has("response")) lead.textContent = "A signed answer came back (JARM): its claims are those of the answer.";
  else lead.textContent = "Nothing came back. Begin at the start page.";
  const shown = [...parameters].filter(([name]) => !["access_token", "id_token"].includes(name));
  showFields(shown);
}

begin();
