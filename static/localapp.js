// Shows the token of the address in a field, and takes it out of the address bar and the browser's history.
(function () {
  const token = new URLSearchParams(location.hash.slice(1)).get("access_token");
  if (!token) return;
  const field = document.getElementById("token");
  field.value = token;
  document.getElementById("token-hint").hidden = false;
  field.select();
  history.replaceState(null, "", location.pathname);
})();
