// Runs before the page is painted. The cookie is the server's too, so those without JavaScript keep their theme.
(function () {
  const root = document.documentElement;
  root.classList.add("app-js");
  const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/);
  const dark = chosen ? chosen[1] === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.classList.toggle("pf-v6-theme-dark", dark);
})();
