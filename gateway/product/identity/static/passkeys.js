"use strict";

// Asks the browser for a passkey, or to make one, and sends what it answers with the form. Without this file every page
// works, by password and codes.
const ENCODED = /[+/=]/g;
const LETTERS = { "+": "-", "/": "_", "=": "" };
// Passkeys belong to names: browsers make and give none at a numeric address.
const NUMERIC = /^[0-9.]+$|^\[/;

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

function text(buffer) {
  if (!buffer) return undefined;
  const plain = Array.from(new Uint8Array(buffer), (each) => String.fromCharCode(each)).join("");
  return btoa(plain).replace(ENCODED, (each) => LETTERS[each]);
}

function known(credentials) {
  return (credentials || []).map((each) => ({ ...each, id: bytes(each.id) }));
}

async function asked(ceremony, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (ceremony === "get") {
    publicKey.allowCredentials = known(options.allowCredentials);
    return navigator.credentials.get({ publicKey });
  }
  publicKey.user = { ...options.user, id: bytes(options.user.id) };
  publicKey.excludeCredentials = known(options.excludeCredentials);
  return navigator.credentials.create({ publicKey });
}

function written(credential) {
  const answer = credential.response;
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment || undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(answer.clientDataJSON),
      authenticatorData: answer.signature && text(answer.authenticatorData),
      signature: text(answer.signature),
      userHandle: text(answer.userHandle),
      attestationObject: text(answer.attestationObject),
      transports: answer.getTransports && answer.getTransports(),
    },
  });
}

function tell(form, words) {
  let place = form.querySelector("[role=alert]");
  if (!place) {
    place = document.createElement("p");
    place.className = "alert";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.textContent = words;
}

async function options(form) {
  const response = await fetch(form.dataset.options, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!response.ok) throw new Error(response.status === 429 ? "Too many attempts. Wait a moment." : "Open the page again.");
  return response.json();
}

async function send(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const found = await options(form);
    if (found.location) {
      location.assign(found.location);
      return;
    }
    if (found.state) form.elements.state.value = found.state;
    form.elements.passkey.value = written(await asked(form.dataset.passkey, JSON.parse(found.options)));
    form.submit();
  } catch (failure) {
    // Browsers do not say whether there is no passkey or the person has changed his mind.
    tell(form, failure instanceof DOMException ? "No passkey was given. Try again, or go another way." : failure.message);
    button.disabled = false;
  }
}

function explain(form) {
  const words = document.createElement("p");
  words.className = "quiet";
  words.textContent = "To register one, open this page by a name, such as localhost: its address is a number.";
  form.after(words);
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (NUMERIC.test(location.hostname)) {
    if (form.dataset.passkey === "create") explain(form);
    continue;
  }
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
