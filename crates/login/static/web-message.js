// Hands the authorization response to the window that asked for it, and to no other origin than the one the
// server named.
(function () {
  var data = document.documentElement;
  var asker = window.opener || window.parent;
  if (!asker || asker === window) return;
  asker.postMessage(
    { type: "authorization_response", response: JSON.parse(data.getAttribute("data-response")) },
    data.getAttribute("data-target-origin")
  );
})();
