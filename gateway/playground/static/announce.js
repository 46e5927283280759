/** What is said to people who do not see the page. */

import { find } from "./dom.js";

/** Politely, once whatever is being said has ended. */
export function tell(sentence) {
  const told = find("#told");
  told.textContent = "";
  requestAnimationFrame(() => (told.textContent = sentence));
}
