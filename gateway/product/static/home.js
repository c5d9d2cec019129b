"use strict";

// What is typed here stays in this page's memory: nothing is stored, nothing is sent to another origin.
const find = (id) => document.getElementById(id);
const shownOrigin = find("try").dataset.origin;

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Commands name this host, and can be copied.
for (const block of document.querySelectorAll("pre")) {
  const code = block.firstElementChild;
  code.textContent = code.textContent.replaceAll(shownOrigin, location.origin);
  if (!navigator.clipboard) continue;
  const button = element("button", "Copy", "copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy: " + block.getAttribute("aria-label"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const frame = element("div", "", "command");
  block.replaceWith(frame);
  frame.append(block, button);
}

async function answerOf(response) {
  const body = await response.json();
  if (!response.ok) throw body;
  return body;
}

async function token(client, secret) {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: client, client_secret: secret });
  // Without credentials: a refusal must not open the browser's own password dialogue.
  const response = await fetch("/api/v1/oauth/token", { method: "POST", body: form, credentials: "omit" });
  return (await answerOf(response)).access_token;
}

async function check(bearer, body) {
  const headers = { Authorization: "Bearer " + bearer, "Content-Type": "application/json" };
  return answerOf(await fetch("/api/v1/fraud-check", { method: "POST", headers, body, credentials: "omit" }));
}

function decisionParts(decision, milliseconds) {
  const line = element("p", "", "outcome");
  line.append(
    element("b", decision.outcome, decision.outcome),
    " with a score of " + decision.confidence_score + ", in " + milliseconds + " ms here",
  );
  const reasons = document.createElement("ul");
  for (const each of decision.explanations) reasons.append(element("li", each.message));
  if (!decision.explanations.length) reasons.append(element("li", "No rule fired."));
  const details = document.createElement("details");
  const whole = document.createElement("pre");
  whole.tabIndex = 0;
  whole.append(element("code", JSON.stringify(decision, null, 2)));
  details.append(element("summary", "The whole decision"), whole);
  return [line, reasons, details];
}

function failureParts(failure) {
  const parts = [element("p", failure.error_description || failure.detail || "The gateway cannot be reached.", "failure")];
  const list = document.createElement("ul");
  for (const each of failure.errors || []) list.append(element("li", (each.pointer || each.name || each.field) + " " + each.message));
  if (list.children.length) parts.push(list);
  if (failure.type && failure.type.startsWith("/problems/")) {
    const link = element("a", failure.reason);
    link.href = failure.type;
    const line = element("p", "What this means: ");
    line.append(link);
    parts.push(line);
  }
  return parts;
}

find("try").hidden = false;
find("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter || event.target.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const bearer = await token(find("client").value.trim(), find("secret").value.trim());
    const begun = performance.now();
    const decision = await check(bearer, find("request").value);
    find("result").replaceChildren(...decisionParts(decision, Math.round(performance.now() - begun)));
  } catch (failure) {
    find("result").replaceChildren(...failureParts(failure));
  } finally {
    button.disabled = false;
  }
});
