// Requests to the HTTP API with the session of this page. A failure is an ApiError with a message for people.

const TRANSIENT = [502, 503, 504];
const UNREACHABLE = "The server cannot be reached right now.";

export class ApiError extends Error {
    /**
     * @param {number} status 0 where there was no response
     * @param {string} code
     * @param {string} message
     * @param {Record<string, string[]>} [fields]
     */
    constructor(status, code, message, fields = {}) {
        super(message);
        this.status = status;
        this.code = code;
        this.fields = fields;
    }

    /** Tells whether a later attempt may succeed. */
    get isTransient() {
        return this.status === 0 || TRANSIENT.includes(this.status);
    }
}

/**
 * The error of a request; what is none, a mistake of ours, is thrown again.
 * @param {unknown} error
 */
export function asApiError(error) {
    if (error instanceof ApiError) return error;
    throw error;
}

/** @param {unknown} error */
export function isAbort(error) {
    return error instanceof DOMException && error.name === "AbortError";
}

/** @param {unknown} error */
export function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}

const token = document.documentElement.dataset.csrf;
let onSignedOut = () => {};

/** Sets what happens when the session is over. @param {() => void} callback */
export function onSessionEnd(callback) {
    onSignedOut = callback;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} null where there is no JSON
 */
async function request(method, path, body, signal) {
    const headers = requestHeaders();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const json = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(`/api/${path}`, { method, headers, body: json, signal }).catch((error) => {
        if (isAbort(error)) throw error;
        throw new ApiError(0, "unreachable", UNREACHABLE);
    });
    if (response.ok) return response.status === 204 ? null : response.json().catch(() => null);
    throw refusal(response.status, await response.json().catch(() => ({})));
}

/**
 * Uploads a file and reports the share that has gone out, which fetch does not.
 * @param {string} path
 * @param {File} file
 * @param {{ onprogress: (share: number) => void, signal: AbortSignal }} options
 * @returns {Promise<Wire.Attachment>}
 */
export function uploadFile(path, file, { onprogress, signal }) {
    const xhr = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    return new Promise((resolve, reject) => {
        xhr.upload.addEventListener("progress", ({ loaded, total }) => onprogress(loaded / total));
        xhr.addEventListener("load", () => (xhr.status === 201 ? resolve(xhr.response) : reject(refusal(xhr.status, xhr.response ?? {}))));
        xhr.addEventListener("error", () => reject(new ApiError(0, "unreachable", UNREACHABLE)));
        xhr.addEventListener("abort", () => reject(new DOMException("The upload was cancelled.", "AbortError")));
        signal.addEventListener("abort", () => xhr.abort());
        xhr.open("POST", `/api/${path}`);
        xhr.responseType = "json";
        for (const [name, value] of Object.entries(requestHeaders())) xhr.setRequestHeader(name, value);
        xhr.send(body);
    });
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => request("GET", path, undefined, signal);

/**
 * Reads a list to its end, however many pages it has.
 * @param {string} path
 * @returns {Promise<any[]>}
 */
export async function getAll(path) {
    const items = [];
    /** @type {string | null} */
    let cursor = "";
    while (cursor !== null) {
        const query = cursor && `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
        /** @type {Wire.Page<unknown>} */
        const page = await get(path + query);
        items.push(...page.items);
        cursor = page.next;
    }
    return items;
}

/** @param {string} path @param {object} [body] */
export const post = (path, body = {}) => request("POST", path, body);
/** @param {string} path @param {object} body */
export const patch = (path, body) => request("PATCH", path, body);
/** @param {string} path */
export const remove = (path) => request("DELETE", path);

/** @returns {Record<string, string>} */
function requestHeaders() {
    return { Accept: "application/json", "X-CSRFToken": cookieToken() ?? token ?? "" };
}

/**
 * @param {number} status
 * @param {{ error?: string, message?: string, fields?: Record<string, string[]> }} body
 */
function refusal(status, body) {
    if (status === 401) onSignedOut();
    const fields = Object.values(body.fields ?? {}).flat().join(" ");
    const message = fields || body.message || `The server answered ${status}. Try again in a moment.`;
    return new ApiError(status, body.error ?? "error", message, body.fields);
}

// A sign-in in another tab renews the token; where the cookie can be read, it is the newer one.
function cookieToken() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
}
