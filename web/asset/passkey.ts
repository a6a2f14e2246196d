// Passkeys: a form with data-passkey="create" or "get" is sent after the browser's own dialog.
//
// data-options is the address that answers a POST with the options (JSON as go-webauthn writes them: {"publicKey": {...}}).
// The answer goes as JSON to data-verify, which answers {"location": "..."} or an error as {"detail": "..."}.

type Bytes = ArrayBuffer;

function decode(text: string): Bytes {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}

function encode(bytes: Bytes | null): string | null {
  if (!bytes) return null;
  let raw = "";
  for (const b of new Uint8Array(bytes)) raw += String.fromCharCode(b);
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

interface Descriptor { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }

function descriptors(list: Descriptor[] | undefined): PublicKeyCredentialDescriptor[] {
  return (list ?? []).map((c) => ({ ...c, id: decode(c.id) }));
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
async function create(publicKey: any): Promise<unknown> {
  const made = (await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: decode(publicKey.challenge),
      user: { ...publicKey.user, id: decode(publicKey.user.id) },
      excludeCredentials: descriptors(publicKey.excludeCredentials),
    },
  })) as PublicKeyCredential | null;
  if (!made) throw new Error("no credential");
  const answer = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: encode(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment ?? undefined,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      attestationObject: encode(answer.attestationObject),
      clientDataJSON: encode(answer.clientDataJSON),
      transports: answer.getTransports?.() ?? [],
    },
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
async function get(publicKey: any): Promise<unknown> {
  const got = (await navigator.credentials.get({
    publicKey: { ...publicKey, challenge: decode(publicKey.challenge), allowCredentials: descriptors(publicKey.allowCredentials) },
  })) as PublicKeyCredential | null;
  if (!got) throw new Error("no credential");
  const answer = got.response as AuthenticatorAssertionResponse;
  return {
    id: got.id,
    rawId: encode(got.rawId),
    type: got.type,
    clientExtensionResults: got.getClientExtensionResults(),
    response: {
      authenticatorData: encode(answer.authenticatorData),
      clientDataJSON: encode(answer.clientDataJSON),
      signature: encode(answer.signature),
      userHandle: encode(answer.userHandle),
    },
  };
}

async function post(url: string, body: BodyInit, type?: string): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (type) headers["Content-Type"] = type;
  const response = await fetch(url, { method: "POST", headers, body, credentials: "same-origin" });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (!response.ok) throw new Refused(String(answer.detail ?? ""));
  return answer;
}

// Refused is what the server says no with; its sentence is for the person.
class Refused extends Error {}

async function run(form: HTMLFormElement): Promise<void> {
  const says = form.querySelector<HTMLElement>("[data-says]");
  const tell = (text: string) => {
    if (says) {
      says.textContent = text;
      says.hidden = text === "";
    }
  };
  tell("");
  form.setAttribute("aria-busy", "true");
  try {
    const fields = new URLSearchParams();
    new FormData(form).forEach((v, k) => typeof v === "string" && fields.append(k, v));
    const options = await post(form.dataset.options ?? "", fields);
    const answer = form.dataset.passkey === "create" ? await create(options.publicKey) : await get(options.publicKey);
    const verify = new URL(form.dataset.verify ?? "", location.href);
    fields.forEach((v, k) => verify.searchParams.set(k, v));
    const done = await post(verify.toString(), JSON.stringify(answer), "application/json");
    location.assign(String(done.location ?? "/"));
  } catch (e) {
    const cancelled = e instanceof DOMException && (e.name === "NotAllowedError" || e.name === "AbortError");
    tell((e instanceof Refused && e.message) || (cancelled ? form.dataset.cancelled : form.dataset.failed) || "");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

export function passkeys(): void {
  const able = typeof PublicKeyCredential !== "undefined" && !!navigator.credentials;
  document.querySelectorAll<HTMLFormElement>("form[data-passkey]").forEach((form) => {
    form.hidden = !able;
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      void run(form);
    });
  });
}
