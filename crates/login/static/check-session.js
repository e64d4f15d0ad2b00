// Tells an application in the window around whether the session it knows is still the browser's (OpenID Connect Session
// Management, section 3.2). Whoever asks learns a word, and only about what it has already.
(function () {
  function opState() {
    var found = document.cookie.match(/(?:^|; )op_state=([A-Za-z0-9_-]*)/);
    return found ? found[1] : "";
  }
  function hex(bytes) {
    return Array.prototype.map
      .call(new Uint8Array(bytes), function (byte) { return ("0" + byte.toString(16)).slice(-2); })
      .join("");
  }
  window.addEventListener("message", function (event) {
    if (event.source !== window.parent || event.origin === "null") return;
    var answer = function (word) { event.source.postMessage(word, event.origin); };
    var said = typeof event.data === "string" ? event.data.split(" ") : [];
    var state = said.length === 2 ? said[1].split(".") : [];
    if (!said[0] || state.length !== 2 || !state[0] || !state[1] || !window.crypto.subtle) return answer("error");
    var text = new TextEncoder().encode([said[0], event.origin, opState(), state[1]].join(" "));
    window.crypto.subtle.digest("SHA-256", text).then(
      function (hash) { answer(hex(hash) === state[0] ? "unchanged" : "changed"); },
      function () { answer("error"); }
    );
  });
})();
