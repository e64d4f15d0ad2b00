// Goes on when the applications in the frames have ended their own sessions, or took too long to: the page has loaded when
// all frames have.
(function () {
  var link = document.getElementById("go-on");
  if (!link) return;
  var goOn = function () { window.location.replace(link.href); };
  window.addEventListener("load", goOn);
  window.setTimeout(goOn, 5000);
})();
