// Keeps a draft while somebody writes: ten seconds after the last change. Without this script the button does the same.
const form = document.getElementById("answers")
const says = document.getElementById("autosave")
let timer, busy = false, sent = false

async function keep() {
  if (busy || sent) return
  busy = true
  try {
    const body = new URLSearchParams()
    for (const [k, v] of new FormData(form)) if (typeof v === "string") body.append(k, v)
    const r = await fetch(form.action, { method: "POST", body, headers: { "X-Autosave": "1" } })
    const a = await r.json()
    if (r.ok) form.elements.namedItem("revision").value = a.revision
    says.textContent = r.ok ? form.dataset.saved + " " + new Date().toLocaleTimeString().slice(0, 5) : a.says
  } catch {
    says.textContent = form.dataset.failed
  }
  busy = false
}

if (form && says) {
  form.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(keep, 10000)
  })
  form.addEventListener("submit", () => {
    sent = true
    clearTimeout(timer)
  })
}
