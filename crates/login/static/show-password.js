// Adds "show" to password fields. Without this script the button stays hidden and nothing is missing.
(function () {
  function enable(button) {
    var input = document.getElementById(button.getAttribute("aria-controls"));
    function show(shown) {
      input.type = shown ? "text" : "password";
      button.textContent = button.getAttribute(shown ? "data-hide" : "data-show");
      button.setAttribute("aria-label", button.getAttribute(shown ? "data-hide-label" : "data-show-label"));
    }
    button.removeAttribute("hidden");
    button.addEventListener("click", function () {
      show(input.type === "password");
      input.focus();
    });
    // A field sent as plain text would be kept in the browser's form history.
    input.form.addEventListener("submit", function () {
      show(false);
    });
  }
  var buttons = document.querySelectorAll(".reveal");
  for (var i = 0; i < buttons.length; i++) enable(buttons[i]);
})();
