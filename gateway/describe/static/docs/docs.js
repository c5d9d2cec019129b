"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const adapt = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", adapt);
adapt();

const DOCUMENT = "/openapi.json";

// The document names the gateway as other programs reach it. This page came from it by whatever name the browser knows.
const here = (text) => text.replaceAll(JSON.parse(text).servers[0].url, location.origin);

// Tokens stay in this page's memory: nothing is kept in the browser's storage, nothing is sent to another origin.
SwaggerUIBundle({
  url: DOCUMENT,
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
  requestInterceptor: (request) => {
    // Else a wrong client secret, refused with 401 and a Basic challenge, opens the browser's own password dialogue.
    request.credentials = "omit";
    return request;
  },
  responseInterceptor: (response) => {
    if (response.url === location.origin + DOCUMENT) response.text = here(response.text);
    return response;
  },
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
});
