// Starts Swagger UI. A file of its own, because the pages' policy refuses inline scripts.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  filter: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
