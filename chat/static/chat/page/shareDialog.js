// The link by which others read a conversation: created, shown again, updated, revoked.

import { ApiError, get, messageOf, post, remove } from "../lib/api.js";
import { button, copy, h, iconButton } from "../lib/dom.js";
import { exactTime, shortTime } from "../lib/format.js";

const DAY_MS = 86_400_000;
const LIFETIMES = [["", "until I take it back"], ["1", "for a day"], ["7", "for a week"], ["30", "for 30 days"]];
const EXPLANATION =
    "Anyone who can sign in here and has the link can read this branch as it is now: your messages and the replies. Thinking, tool calls, files and later messages are not included.";

/**
 * @param {Wire.Conversation} conversation
 * @param {(message: string) => void} notify
 */
export function openShareDialog(conversation, notify) {
    new ShareDialog(conversation).open().catch((error) => notify(messageOf(error)));
}

class ShareDialog {
    #path;
    #isShared;
    #body = h("div", { class: "share-dialog", "aria-live": "polite" });
    #error = h("p", { class: "error-text", role: "alert" });
    #lifetime = h("select");
    #dialog = h(
        "dialog",
        { class: "small-dialog", "aria-labelledby": "share-title", onclose: () => this.#dialog.remove() },
        h("header", {}, h("h2", { id: "share-title" }, "Share a link"), iconButton("close", "Close", () => this.#dialog.close())),
        this.#body,
        this.#error,
    );

    /** @param {Wire.Conversation} conversation */
    constructor({ id, shared }) {
        this.#path = `conversations/${id}/share`;
        this.#isShared = shared;
    }

    async open() {
        const share = this.#isShared ? await get(this.#path).catch(nullWhereNone) : null;
        document.body.append(this.#dialog);
        this.#dialog.showModal();
        this.#show(share);
    }

    /** @param {Wire.Share | null} share */
    #show(share) {
        this.#body.replaceChildren(...(share ? this.#linkElements(share) : this.#offerElements()));
        /** @type {HTMLElement | null} */ (this.#body.querySelector("input, .main"))?.focus();
    }

    #offerElements() {
        return [
            h("p", { class: "quiet" }, EXPLANATION),
            h("div", { class: "row" }, this.#lifetimeSelect(), button("Create link", () => this.#create(), { class: "button main" }, "link")),
        ];
    }

    /** @param {Wire.Share} share */
    #linkElements({ url, expires_at: expiresAt, shared_at: sharedAt, messages }) {
        const field = h("input", { type: "text", readonly: true, value: url, "aria-label": "Link", onfocus: () => field.select() });
        const copyButton = button("Copy", () => copy(url, copyButton), { class: "button main" }, "copy");
        const isExpired = expiresAt !== null && new Date(expiresAt) <= new Date();
        const expiry = expiresAt ? `${isExpired ? "It has expired" : "It expires"} ${shortTime(expiresAt)}.` : "It works until you revoke it.";
        const extent = messages === 1 ? "one message" : `${messages} messages`;
        return [
            h("div", { class: "row" }, field, copyButton),
            h("p", { class: "quiet", title: exactTime(sharedAt) }, `It shows ${extent} as of ${shortTime(sharedAt)} to anyone who can sign in here. ${expiry}`),
            h("div", { class: "row" }, this.#lifetimeSelect(), button(isExpired ? "Create a new link" : "Update link", () => this.#create())),
            h("div", { class: "row" }, button("Revoke link", () => this.#revoke(), { class: "button", "data-tone": "bad" })),
        ];
    }

    #lifetimeSelect() {
        this.#lifetime = h("select", { "aria-label": "Link expiry" }, LIFETIMES.map(([days, text]) => h("option", { value: days || " " }, text)));
        return this.#lifetime;
    }

    #create() {
        const days = Number(this.#lifetime.value);
        const expires_at = days ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
        return this.#attempt(() => post(this.#path, { expires_at }));
    }

    #revoke() {
        return this.#attempt(() => remove(this.#path).catch(nullWhereNone));
    }

    /** @param {() => Promise<Wire.Share | null>} change */
    async #attempt(change) {
        this.#error.textContent = "";
        try {
            this.#show(await change());
        } catch (error) {
            this.#error.textContent = messageOf(error);
        }
    }
}

/** Another tab may have revoked it. @param {unknown} error */
function nullWhereNone(error) {
    if (error instanceof ApiError && error.code === "share_not_found") return null;
    throw error;
}
