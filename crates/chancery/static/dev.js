"use strict";

const start = document.getElementById("start");

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

document.getElementById("code").addEventListener("click", async () => {
  if (!crypto.subtle) {
    document.getElementById("code-note").textContent =
      "Browsers hash only in secure contexts: open this page at localhost or over HTTPS.";
    return;
  }
  const [verifier, state, nonce] = [random(), random(), random()];
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const redirectUri = `${location.origin}/dev/callback`;
  sessionStorage.setItem("chancery-code-flow", JSON.stringify({ verifier, state, nonce, redirectUri }));
  const request = new URLSearchParams({
    response_type: "code",
    client_id: start.dataset.clientId,
    redirect_uri: redirectUri,
    audience: start.dataset.audience,
    scope: "openid profile email offline_access read:contacts delete:contacts",
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  location.assign(`/authorize?${request}`);
});

for (const button of document.querySelectorAll("[data-post]")) {
  button.addEventListener("click", async () => {
    const note = document.getElementById("tool-note");
    const answer = await fetch(button.dataset.post, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: button.dataset.body,
    });
    if (!answer.ok) {
      note.textContent = `The server answered ${answer.status}.`;
    } else if (answer.status === 204) {
      note.textContent = "The demo tenant is as on the first day.";
    } else {
      const { now } = await answer.json();
      note.textContent = `The server believes that it is ${new Date(now * 1000).toLocaleString()}.`;
    }
  });
}
