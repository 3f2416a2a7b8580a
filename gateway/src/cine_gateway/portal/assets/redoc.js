// Starts Redoc. A file of its own, because the pages' policy refuses inline scripts.
Redoc.init("/openapi.json", { hideDownloadButton: false, expandResponses: "200" }, document.getElementById("docs"));
