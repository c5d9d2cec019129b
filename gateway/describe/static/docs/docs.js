"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const adapt = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", adapt);
adapt();

// Tokens stay in this page's memory: nothing is kept in the browser's storage, nothing is sent to another origin.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
  requestInterceptor: (request) => {
    // Else a wrong client secret, refused with 401 and a Basic challenge, opens the browser's own password dialogue.
    request.credentials = "omit";
    // Errors as problem documents, which name the page that explains them.
    if (request.headers && request.headers.Accept === "application/json") {
      request.headers.Accept = "application/json, application/problem+json";
    }
    return request;
  },
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
});
