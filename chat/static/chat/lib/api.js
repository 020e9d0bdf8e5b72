// Asks the HTTP API with the session of this page. What goes wrong is an ApiError with words for people.

const TRANSIENT = [502, 503, 504];

export class ApiError extends Error {
    constructor(status, code, message, fields = {}) {
        super(message);
        Object.assign(this, { status, code, fields });
    }

    // Asking again later may help.
    get isPassing() {
        return this.status === 0 || TRANSIENT.includes(this.status);
    }
}

let token = document.documentElement.dataset.csrf;
let whenOver = () => {};

export function onSessionOver(callback) {
    whenOver = callback;
}

export async function ask(method, path, body, signal) {
    const headers = ourHeaders();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const said = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(`/api/${path}`, { method, headers, body: said, signal }).catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiError(0, "unreachable", "The server cannot be reached right now.");
    });
    if (answer.ok) return answer.status === 204 ? null : answer.json().catch(() => null);
    throw refused(answer.status, await answer.json().catch(() => ({})));
}

// Sends a file and tells how much of it has gone out, which fetch does not.
export function sendFile(path, file, { onprogress, signal }) {
    const asked = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    return new Promise((resolve, reject) => {
        const unreachable = () => reject(new ApiError(0, "unreachable", "The server cannot be reached right now."));
        asked.upload.addEventListener("progress", ({ loaded, total }) => onprogress(loaded / total));
        asked.addEventListener("load", () => (asked.status === 201 ? resolve(asked.response) : reject(refused(asked.status, asked.response ?? {}))));
        asked.addEventListener("error", unreachable);
        asked.addEventListener("abort", () => reject(new DOMException("It was taken back.", "AbortError")));
        signal.addEventListener("abort", () => asked.abort());
        asked.open("POST", `/api/${path}`);
        asked.responseType = "json";
        for (const [name, value] of Object.entries(ourHeaders())) asked.setRequestHeader(name, value);
        asked.send(body);
    });
}

export const get = (path, signal) => ask("GET", path, undefined, signal);

// Reads a list to its end, however many pages it has.
export async function all(path, signal) {
    const items = [];
    for (let next = ""; next !== null; ) {
        const cursor = next && `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(next)}`;
        const page = await get(path + cursor, signal);
        items.push(...page.items);
        next = page.next;
    }
    return items;
}

export const post = (path, body = {}) => ask("POST", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path) => ask("DELETE", path);

function ourHeaders() {
    return { Accept: "application/json", "X-CSRFToken": cookieToken() ?? token };
}

function refused(status, told) {
    if (status === 401) whenOver();
    return new ApiError(status, told.error ?? "error", wording(status, told), told.fields);
}

// A sign-in in another tab renews the token; where the cookie can be read, it is the newer one.
function cookieToken() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
}

function wording(status, told) {
    const fields = Object.values(told.fields ?? {}).flat();
    if (fields.length) return fields.join(" ");
    return told.message || `The server answered ${status}. Try again in a moment.`;
}
