/** Who asks: a key, kept for as long as the tab is open. */

import { Api } from "./api.js";
import { find, show } from "./dom.js";
import { tell } from "./announce.js";

const STORED = "lipstage.key";

/** Asks for a key where none is at hand. `onChange` hears of the `Api` and what it says of its key, or null. */
export class SignIn {
  #form = find("#sign-in");
  #input = find("#key");
  #error = find("#key-error");
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#tryKey(this.#input.value.trim());
    });
    find("#sign-out").addEventListener("click", () => {
      this.end("");
      this.#input.focus();
    });
  }

  /** Signs in with the key in the address (`#key=…`, which is removed from it) or the one this tab remembers. */
  async start() {
    const key = keyFromAddress() ?? sessionStorage.getItem(STORED);
    if (key) await this.#tryKey(key);
    else show(this.#form);
  }

  /** Forgets the key; `reason` is shown. */
  end(reason) {
    sessionStorage.removeItem(STORED);
    show(find("#account"), false);
    show(this.#form);
    this.#say(reason);
    this.#onChange(null, null);
  }

  async #tryKey(key) {
    this.#say("");
    if (!key) return this.#refuse("Enter your key.");
    const api = new Api(key);
    try {
      this.#welcome(api, await api.me());
      sessionStorage.setItem(STORED, key);
    } catch (problem) {
      this.#refuse(problem.message);
    }
  }

  #welcome(api, me) {
    const hadFocus = this.#form.contains(document.activeElement);
    this.#input.value = "";
    show(this.#form, false);
    find("#account-name").textContent = me.key.name;
    show(find("#account"));
    this.#onChange(api, me);
    tell(`Signed in as ${me.key.name}.`);
    if (hadFocus) find("#composer").focus({ preventScroll: true });
  }

  #refuse(sentence) {
    show(this.#form);
    this.#say(sentence);
    this.#input.focus();
  }

  #say(sentence) {
    this.#error.textContent = sentence;
    this.#input.setAttribute("aria-invalid", String(Boolean(sentence)));
  }
}

function keyFromAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const key = fragment.get("key");
  if (key === null) return null;
  fragment.delete("key");
  history.replaceState(null, "", location.pathname + location.search + (fragment.size ? `#${fragment}` : ""));
  return key;
}
