// Shows the OpenAPI document. All text goes in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function table(rows) {
  const body = element("table");
  for (const cells of rows) {
    const row = element("tr");
    for (const cell of cells) row.append(element("td", cell));
    body.append(row);
  }
  return body;
}

// A schema in a word or two.
function word(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${word(schema.items)}`;
  if (schema.oneOf) return schema.oneOf.map(word).join(" or ");
  if (schema.enum) return schema.enum.join(", ");
  return [].concat(schema.type || "anything").join(" or ") + (schema.format ? ` (${schema.format})` : "");
}

function content(part) {
  return Object.entries(part.content || {}).map(([type, { schema }]) => `${word(schema)} as ${type}`).join("; ");
}

function operation(path, method, about) {
  const label = element("span", method);
  label.className = "method";
  const summary = element("summary", "", label, element("code", path), ` ${about.summary || ""}`);
  const shown = element("details", "", summary);
  shown.dataset.words = `${method} ${path} ${about.summary || ""} ${about.description || ""}`.toLowerCase();
  if (about.description) shown.append(element("p", about.description));
  const parameters = (about.parameters || []).map((p) => [
    p.name, `${p.in}${p.required ? ", required" : ""}`, word(p.schema), p.description || "",
  ]);
  if (parameters.length) shown.append(element("h4", "Parameters"), table(parameters));
  if (about.requestBody) shown.append(element("h4", "Body"), element("p", content(about.requestBody)));
  const answers = Object.entries(about.responses || {}).map(([status, answer]) => [
    status, answer.description || "", content(answer),
  ]);
  shown.append(element("h4", "Answers"), table(answers));
  return shown;
}

function schema(name, about) {
  const shown = element("details", "", element("summary", name));
  shown.id = `schema-${name}`;
  if (about.description) shown.append(element("p", about.description));
  const required = about.required || [];
  const rows = Object.entries(about.properties || {}).map(([field, value]) => [
    field + (required.includes(field) ? "" : "?"), word(value), value.description || "",
  ]);
  shown.append(rows.length ? table(rows) : element("pre", JSON.stringify(about, null, 2)));
  return shown;
}

function show(api) {
  document.getElementById("title").textContent = `${api.info.title} ${api.info.version}`;
  document.getElementById("description").textContent = api.info.description || "";
  const groups = new Map((api.tags || []).map((tag) => [tag.name, { tag, list: [] }]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((method) => methods[method])) {
      const about = methods[method];
      const name = (about.tags || ["other"])[0];
      if (!groups.has(name)) groups.set(name, { tag: { name }, list: [] });
      groups.get(name).list.push(operation(path, method, about));
    }
  }
  const main = document.getElementById("operations");
  for (const { tag, list } of groups.values()) {
    if (!list.length) continue;
    main.append(element("section", "", element("h2", tag.name), element("p", tag.description || ""), ...list));
  }
  const schemas = Object.entries(api.components?.schemas || {}).map(([name, about]) => schema(name, about));
  document.getElementById("schemas").append(...schemas);
}

document.getElementById("find").addEventListener("input", (event) => {
  const needle = event.target.value.toLowerCase();
  for (const shown of document.querySelectorAll("#operations details")) {
    shown.hidden = !shown.dataset.words.includes(needle);
  }
});

fetch("openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
  .then(show)
  .catch((error) => {
    document.getElementById("operations").append(element("p", `openapi.json cannot be shown: ${error.message}`));
  });
