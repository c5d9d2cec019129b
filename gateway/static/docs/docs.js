"use strict";

// Tokens stay in this page's memory: nothing is kept in the browser's storage, nothing is sent to another origin.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
  // Else a wrong client secret, refused with 401 and a Basic challenge, opens the browser's own password dialogue.
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
});
