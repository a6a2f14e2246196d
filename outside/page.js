// Says once that a hand was at work: a picture is asked for, nothing of what was typed is looked at.
(() => {
  const base = "/" + location.pathname.split("/")[1];
  const once = (name) => {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      new Image().src = base + name;
    };
  };
  const pointer = once("/t.gif");
  const typed = once("/k.gif");
  for (const kind of ["pointerdown", "touchstart", "wheel"]) addEventListener(kind, pointer, { passive: true, once: true });
  let moves = 0;
  addEventListener("pointermove", () => { if (++moves === 5) pointer(); }, { passive: true });
  addEventListener("keydown", (e) => {
    if (e.target instanceof HTMLInputElement) typed();
    else pointer();
  });
})();
