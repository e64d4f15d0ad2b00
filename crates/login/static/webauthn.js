// Asks the browser for a security key or a passkey and sends on what it answers. Where the browser cannot, the page says so.
(function () {
  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (letter) { return letter.charCodeAt(0); });
  }
  function text(buffer) {
    var plain = "";
    new Uint8Array(buffer).forEach(function (byte) { plain += String.fromCharCode(byte); });
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function asked(form) {
    var options = JSON.parse(form.getAttribute("data-options"));
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    (options.allowCredentials || []).concat(options.excludeCredentials || []).forEach(function (one) {
      one.id = bytes(one.id);
    });
    return options;
  }
  function answer(credential) {
    var said = credential.response, response = { clientDataJSON: text(said.clientDataJSON) };
    if (said.attestationObject) {
      response.attestationObject = text(said.attestationObject);
      response.transports = said.getTransports ? said.getTransports() : [];
    } else {
      response.authenticatorData = text(said.authenticatorData);
      response.signature = text(said.signature);
      response.userHandle = said.userHandle ? text(said.userHandle) : null;
    }
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || null, response: response
    });
  }
  function enable(form) {
    var start = form.querySelector("[data-start]");
    var failed = form.querySelector("[data-failed]");
    var waiting = null;
    function done(credential) {
      form.elements.response.value = answer(credential);
      form.submit();
    }
    function ask(mediation) {
      var options = { publicKey: asked(form) };
      if (waiting) waiting.abort();
      waiting = new AbortController();
      options.signal = waiting.signal;
      if (mediation) options.mediation = mediation;
      var creates = form.getAttribute("data-webauthn") === "create";
      return (creates ? navigator.credentials.create(options) : navigator.credentials.get(options)).then(done);
    }
    if (!window.PublicKeyCredential || !navigator.credentials) {
      var missing = form.querySelector("[data-unsupported]");
      if (missing) missing.removeAttribute("hidden");
      return;
    }
    if (start) {
      start.removeAttribute("hidden");
      start.addEventListener("click", function () {
        failed.setAttribute("hidden", "");
        ask().catch(function (error) {
          if (error.name !== "AbortError") failed.removeAttribute("hidden");
        });
      });
    }
    if (form.hasAttribute("data-fills-in") && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then(function (can) {
        // Whoever types a password instead leaves this waiting; nothing failed then.
        if (can && !waiting) ask("conditional").catch(function () {});
      });
    }
  }
  document.querySelectorAll("form[data-webauthn]").forEach(enable);
})();
