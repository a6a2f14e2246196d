// The console's script. Every page is complete without it: it adds live numbers (htmx), keys, and passkeys.
import htmx from "htmx.org/dist/htmx.esm.js";
import { passkeys } from "./passkey";
import { menu, dialogs, keys, passwords, selection, copying, printing, uploads, drafts, composing } from "./page";

document.documentElement.classList.add("js");

// htmx reads its switches from <meta name="htmx-config">; nothing here needs eval or inline styles.
(window as unknown as { htmx: unknown }).htmx = htmx;

// The script is deferred: the document is there, and DOMContentLoaded may be yet to come or gone by.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();

function start(): void {
  menu();
  dialogs();
  keys();
  passwords();
  selection();
  copying();
  printing();
  uploads();
  drafts();
  composing();
  passkeys();
}
