// Whether what this page shows of a reply is what the server stored.

export async function verify({ text, final }) {
    if (!final.sha256) return true;
    // Without TLS, other than on localhost, a page may not hash; then the length has to do.
    if (!globalThis.crypto?.subtle) return [...text].length === final.length;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex === final.sha256;
}
