// The page at /api/docs: Swagger UI over this server's own document.
document.addEventListener("DOMContentLoaded", function () {
  const place = document.getElementById("api");
  const root = document.documentElement;
  root.classList.toggle("dark-mode", root.classList.contains("pf-v6-theme-dark"));
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    showExtensions: true, // x-ours, x-scope
    defaultModelsExpandDepth: -1,
    persistAuthorization: false,
    validatorUrl: null, // nothing of this farm goes to a server elsewhere
    requestInterceptor: function (request) {
      // What is tried without an access token is done by the browser's session.
      if (!request.headers.Authorization && request.method && request.method !== "GET") {
        request.headers["X-CSRF-Token"] = place.dataset.csrfToken;
      }
      return request;
    },
  });
});
