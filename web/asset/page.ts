// Small behaviours that data attributes switch on. Each is found by its attribute, so parts that htmx swaps in work too.

// data-opens="ID": opens a <dialog>. Browsers with the command attribute do it themselves.
export function dialogs(): void {
  const native = "commandForElement" in HTMLButtonElement.prototype;
  document.addEventListener("click", (e) => {
    const button = (e.target as Element).closest<HTMLButtonElement>("button[commandfor]");
    if (!button || native) return;
    const dialog = document.getElementById(button.getAttribute("commandfor") ?? "");
    if (!(dialog instanceof HTMLDialogElement)) return;
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  });
  // A form that failed comes back with its dialog marked: show it again.
  document.querySelectorAll<HTMLDialogElement>("dialog[data-show]").forEach((d) => d.showModal());
}

// A long menu scrolls by itself: where one is stays in sight, the page stays where it is.
export function menu(): void {
  const here = document.querySelector<HTMLElement>("nav [aria-current=page]");
  const box = here?.closest<HTMLElement>("nav");
  if (here && box && here.offsetTop + here.offsetHeight > box.offsetTop + box.clientHeight) box.scrollTop = here.offsetTop - box.offsetTop - box.clientHeight / 2;
}

// "/" goes to the search field, as in many programs; not while somebody types.
export function keys(): void {
  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey) return;
    const on = document.activeElement;
    if (on instanceof HTMLElement && (on.isContentEditable || /^(input|textarea|select)$/i.test(on.tagName))) return;
    const search = document.querySelector<HTMLInputElement>("input[type=search]");
    if (!search) return;
    e.preventDefault();
    search.focus();
    search.select();
  });
}

// data-rules on a password field: the list with that id says live which rules hold. The server decides in the end.
export function passwords(): void {
  document.querySelectorAll<HTMLInputElement>("input[data-rules]").forEach((input) => {
    const list = document.getElementById(input.dataset.rules ?? "");
    if (!list) return;
    const again = document.querySelector<HTMLInputElement>(`input[data-repeats="${input.id}"]`);
    const update = () => {
      const value = input.value;
      list.querySelectorAll<HTMLLIElement>("li[data-rule]").forEach((li) => {
        let ok = false;
        switch (li.dataset.rule) {
          case "length":
            ok = [...value].length >= Number(li.dataset.min ?? "13");
            break;
          case "varied":
            ok = new Set([...value]).size >= Number(li.dataset.min ?? "5");
            break;
          case "name": {
            const names = (li.dataset.from ?? "").split(" ").map((id) => {
              const field = document.getElementById(id);
              return field instanceof HTMLInputElement ? field.value.split("@")[0].toLowerCase() : "";
            });
            ok = value !== "" && !names.some((n) => n.length >= 3 && value.toLowerCase().includes(n));
            break;
          }
          case "same":
            ok = value !== "" && again?.value === value;
            break;
        }
        li.classList.toggle("met", ok);
        const word = li.querySelector(".word");
        if (word) word.textContent = (ok ? li.dataset.met : li.dataset.unmet) ?? "";
      });
    };
    input.addEventListener("input", update);
    again?.addEventListener("input", update);
    for (const id of (list.querySelector<HTMLElement>("[data-from]")?.dataset.from ?? "").split(" ")) {
      document.getElementById(id)?.addEventListener("input", update);
    }
    update();
  });
  document.addEventListener("click", (e) => {
    const button = (e.target as Element).closest<HTMLButtonElement>("button[data-reveal]");
    const input = document.getElementById(button?.dataset.reveal ?? "");
    if (!button || !(input instanceof HTMLInputElement)) return;
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.setAttribute("aria-pressed", String(show));
  });
}

// data-select-all on a checkbox: ticks every row's box in the same form, and keeps the count beside it right.
export function selection(): void {
  const count = (form: HTMLFormElement) => {
    const boxes = [...form.querySelectorAll<HTMLInputElement>("input[type=checkbox][data-row]")];
    const on = boxes.filter((b) => b.checked).length;
    form.querySelectorAll("[data-selected]").forEach((n) => (n.textContent = String(on)));
    form.classList.toggle("has-selection", on > 0);
    const all = form.querySelector<HTMLInputElement>("input[data-select-all]");
    if (all) {
      all.checked = on > 0 && on === boxes.length;
      all.indeterminate = on > 0 && on < boxes.length;
    }
  };
  document.addEventListener("change", (e) => {
    const box = e.target;
    if (!(box instanceof HTMLInputElement) || !box.form) return;
    if (box.matches("[data-select-all]")) {
      box.form.querySelectorAll<HTMLInputElement>("input[data-row]").forEach((b) => (b.checked = box.checked));
    }
    if (box.matches("[data-select-all],[data-row]")) count(box.form);
  });
  document.addEventListener("change", (e) => {
    const field = e.target;
    if (field instanceof HTMLSelectElement && field.dataset.submit !== undefined) field.form?.requestSubmit();
  });
  document.querySelectorAll<HTMLFormElement>("form[data-rows]").forEach(count);
}

// data-copy="ID": puts the text of an element on the clipboard and says so.
export function copying(): void {
  document.addEventListener("click", async (e) => {
    const button = (e.target as Element).closest<HTMLButtonElement>("button[data-copy]");
    const from = document.getElementById(button?.dataset.copy ?? "");
    if (!button || !from) return;
    try {
      await navigator.clipboard.writeText(from.textContent ?? "");
      button.textContent = button.dataset.copied ?? button.textContent;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(from);
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
    }
  });
}

export function printing(): void {
  document.addEventListener("click", (e) => {
    if ((e.target as Element).closest("button[data-print]")) window.print();
  });
}

// data-max on a file field: says at once that a file is too large, and shows which was chosen.
export function uploads(): void {
  document.addEventListener("change", (e) => {
    const input = e.target;
    if (!(input instanceof HTMLInputElement) || input.type !== "file") return;
    const file = input.files?.[0];
    const says = document.getElementById(input.dataset.says ?? "");
    const tooLarge = !!file && Number(input.dataset.max ?? "0") > 0 && file.size > Number(input.dataset.max);
    input.setCustomValidity(tooLarge ? (input.dataset.tooLarge ?? "too large") : "");
    if (says) says.textContent = tooLarge ? (input.dataset.tooLarge ?? "") : file ? `${file.name} (${Math.ceil(file.size / 1024)} KB)` : "";
  });
}

// How long a draft is kept, in milliseconds: a holiday, not for ever.
const draftLife = 7 * 24 * 3600 * 1000;

// data-draft="KEY" on a form: what is typed outlives a reload, a closed tab or a PC that goes off, until it is saved, its person signs out, or a week is
// over. KEY holds facility, person and revision: PCs are shared, and a draft never lands on a newer answer, one's own included. Nothing of it leaves
// the browser.
export function drafts(): void {
  type Draft = { at: number; kept: Record<string, string> };
  const fields = (form: HTMLFormElement) =>
    [...form.elements].filter((e): e is HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement => "name" in e && !!e.name && !(e instanceof HTMLInputElement && e.type === "hidden") && !(e instanceof HTMLButtonElement));
  const key = (form: HTMLFormElement) => "draft:" + (form.dataset.draft ?? "");
  const read = (name: string): Draft | null => {
    try {
      return JSON.parse(localStorage.getItem(name) ?? "null") as Draft | null;
    } catch {
      return null; // not ours, or a browser that keeps nothing
    }
  };
  const forget = (which: (name: string) => boolean) => Object.keys(localStorage).filter((n) => n.startsWith("draft:") && which(n)).forEach((n) => localStorage.removeItem(n));
  const restore = (root: ParentNode) =>
    root.querySelectorAll<HTMLFormElement>("form[data-draft]").forEach((form) => {
      const draft = read(key(form));
      if (!draft || form.dataset.restored) return;
      form.dataset.restored = "true";
      for (const f of fields(form)) {
        if (!(f.name in draft.kept)) continue;
        if (f instanceof HTMLInputElement && f.type === "radio") f.checked = f.value === draft.kept[f.name];
        else f.value = draft.kept[f.name];
      }
      const note = form.querySelector("[data-draft-note]");
      if (note) note.textContent = form.dataset.draftSays ?? "";
    });
  document.addEventListener("input", (e) => {
    const form = (e.target as Element).closest<HTMLFormElement>("form[data-draft]");
    if (!form) return;
    const kept: Record<string, string> = {};
    for (const f of fields(form)) {
      if (!(f instanceof HTMLInputElement && f.type === "radio") || f.checked) kept[f.name] = f.value;
    }
    try {
      localStorage.setItem(key(form), JSON.stringify({ at: Date.now(), kept } satisfies Draft));
    } catch {
      // full or forbidden: the form still works, it only forgets
    }
  });
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form instanceof HTMLFormElement && form.action.endsWith("/signout")) forget(() => true);
  });
  forget((n) => !((read(n)?.at ?? 0) > Date.now() - draftLife));
  restore(document);
  new MutationObserver((list) => list.forEach((m) => m.addedNodes.forEach((n) => n instanceof Element && restore(n.parentNode ?? n)))).observe(document.body, { childList: true, subtree: true });
}

// Enter while an input method composes chooses a word; it sends no form. Browsers differ in whether the key counts as composing.
export function composing(): void {
  let until = 0;
  document.addEventListener(
    "keydown",
    (e) => {
      if (e.key === "Enter" && (e.isComposing || e.keyCode === 229)) until = performance.now() + 100;
    },
    true,
  );
  document.addEventListener(
    "submit",
    (e) => {
      if (performance.now() > until) return;
      e.preventDefault();
      e.stopImmediatePropagation();
    },
    true,
  );
}
